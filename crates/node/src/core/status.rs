//! The status of a pod, from its spec, what is seen of it and what its status was.
//!
//! Pure: the clock and the addresses of the node come in. [`containers`] has the states of containers, [`phase`] the
//! phase, [`conditions`] the conditions, [`readiness`] what probes mean, [`end`] what is written when a pod is over.

mod conditions;
mod containers;
mod end;
mod phase;
mod readiness;
#[cfg(test)]
mod tests;

pub(crate) use containers::LOST;
pub(crate) use end::{finish, is_terminal, reject};

use super::model::{PodState, Verdicts, on_host_network, spec};
use super::{qos, resources, restart};
use k8s_openapi::api::core::v1::{HostIP, Pod, PodIP, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;

/// Why a container waits, by its name: reason and message.
pub(crate) type Waiting = HashMap<String, (String, String)>;

/// All that a status is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    /// The pod as the API has it.
    pub(crate) pod: &'a Pod,
    /// What the runtime has.
    pub(crate) state: &'a PodState,
    /// The status that was written last; that of the API after a restart.
    pub(crate) old: &'a PodStatus,
    /// What the probes found.
    pub(crate) verdicts: &'a Verdicts,
    /// Why containers could not be started.
    pub(crate) waiting: &'a Waiting,
    /// The addresses of the node.
    pub(crate) hosts: &'a [IpAddr],
    /// No container will be started again.
    pub(crate) terminal: bool,
    /// The clock.
    pub(crate) now: Timestamp,
}

/// Makes the status.
pub(crate) fn generate(seen: &Seen<'_>) -> PodStatus {
    let spec = spec(seen.pod);
    let mut status = PodStatus {
        qos_class: Some(qos::class(spec).to_owned()),
        observed_generation: seen.pod.metadata.generation,
        start_time: Some(seen.old.start_time.clone().unwrap_or_else(|| whole_seconds(seen.now))),
        allocated_resources: Some(resources::pod_requests(spec)).filter(|all| !all.is_empty()),
        resources: spec.resources.clone(),
        ..PodStatus::default()
    };
    containers::fill(seen, &mut status);
    set_phase(seen, &mut status);
    readiness::fill(seen, &mut status);
    set_addresses(seen, &mut status);
    conditions::fill(seen, &mut status);
    end::limit_messages(spec, &mut status);
    status
}

/// Sets the phase; a terminal one is never left.
fn set_phase(seen: &Seen<'_>, status: &mut PodStatus) {
    let mut phase = phase::of(seen, status).to_owned();
    let known = [&seen.old.phase, &seen.pod.status.as_ref().and_then(|status| status.phase.clone())]
        .into_iter()
        .flatten()
        .find(|phase| is_terminal(phase))
        .cloned();
    if let Some(known) = known {
        phase = known;
    }
    if seen.old.phase.as_ref() == Some(&phase) {
        status.reason = seen.old.reason.clone();
        status.message = seen.old.message.clone();
    }
    status.phase = Some(phase);
}

fn set_addresses(seen: &Seen<'_>, status: &mut PodStatus) {
    status.host_ip = seen.hosts.first().map(IpAddr::to_string);
    let hosts: Vec<HostIP> = seen.hosts.iter().map(|ip| HostIP { ip: ip.to_string() }).collect();
    status.host_ips = Some(hosts).filter(|all| !all.is_empty());
    let mut addresses: Vec<String> = seen.state.addresses.iter().map(IpAddr::to_string).collect();
    if addresses.is_empty() && on_host_network(seen.pod) {
        addresses = seen.hosts.iter().map(IpAddr::to_string).collect();
    }
    if addresses.is_empty() && seen.old.phase.as_deref().is_some_and(is_terminal) {
        // A pod that is over is still known by the address that it had.
        addresses = seen.old.pod_ips.iter().flatten().map(|ip| ip.ip.clone()).collect();
    }
    status.pod_ip = addresses.first().cloned();
    let addresses: Vec<PodIP> = addresses.into_iter().map(|ip| PodIP { ip }).collect();
    status.pod_ips = Some(addresses).filter(|all| !all.is_empty());
}

/// A time as the API keeps it, without fractions of a second.
pub(crate) fn whole_seconds(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

/// Whether all containers of the pod are to be started again, as far as its last status and the runtime tell.
pub(crate) fn restarts_all(seen: &Seen<'_>) -> bool {
    restart::all_are_due(seen.pod, seen.state, seen.old)
}
