//! What comes before containers: volumes, network, control group, and the sandbox itself. All of it at once.

use super::Worker;
use crate::assemble;
use crate::core::model::{lasting, on_host_network, spec};
use crate::core::{dns, names};
use crate::events::Severity;
use crate::observe::notes;
use crate::volumes::files::Files;
use crate::volumes::{self, Live};
use container::PodConfig;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::node::v1::RuntimeClass;
use kube::api::Api;
use network::{HostPort, Protocol};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How soon volumes that could not be set up are tried again.
const AGAIN: Duration = Duration::from_secs(2);

impl Worker {
    /// After a restart of the node: finds the pod's addresses and volumes again.
    pub(super) async fn prepare_adopted(&mut self, pod: &Arc<Pod>) -> Result<(), Instant> {
        let has_sandbox = self.context.runtime.pod(&self.uid).is_ok_and(|pod| pod.ready);
        if !has_sandbox || self.volumes.is_some() {
            return Ok(());
        }
        if let Err(message) = self.attach(pod).await {
            self.context.events.pod(pod, Severity::Warning, "FailedCreatePodSandBox", message);
            return Err(Instant::now() + AGAIN);
        }
        let grouped = self.context.groups.make(pod);
        if let Err(error) = grouped {
            tracing::warn!(error = &error as &dyn std::error::Error, pod = self.uid, "cannot limit an adopted pod");
        }
        self.set_up_volumes(pod).await.map_err(|()| Instant::now() + AGAIN)
    }

    /// Makes the sandbox with all that it needs. Events tell what went wrong.
    pub(super) async fn make_sandbox(&mut self, pod: &Arc<Pod>, attempt: u32) -> Result<(), ()> {
        self.make_group(pod).await?;
        let config = self.sandbox_config(pod, attempt).await;
        let mut config = self.or_tell(pod, config)?;
        let network = {
            let (context, pod) = (self.context.clone(), pod.clone());
            async move { attach(&context, &pod).await }
        };
        let (attached, mounted) = tokio::join!(network, self.set_up_volumes(pod));
        let attached = self.or_tell(pod, attached)?;
        mounted?;
        if let Some(attached) = attached {
            config.netns = Some(attached.netns);
            self.addresses = attached.addresses;
        }
        let made = self.context.runtime.run_pod(config).await.map_err(|error| error.to_string());
        self.or_tell(pod, made)?;
        self.context.metrics.pod_started();
        Ok(())
    }

    fn or_tell<T>(&self, pod: &Pod, result: Result<T, String>) -> Result<T, ()> {
        result.map_err(|why| {
            let message = format!("Failed to create pod sandbox: {why}");
            self.context.events.pod(pod, Severity::Warning, "FailedCreatePodSandBox", message);
        })
    }

    async fn make_group(&self, pod: &Arc<Pod>) -> Result<(), ()> {
        let (context, of) = (self.context.clone(), pod.clone());
        let made = tokio::task::spawn_blocking(move || context.groups.make(&of)).await;
        if let Ok(Err(error)) = made {
            let why = crate::chain(&error);
            let message = format!("unable to ensure pod container exists: {why}");
            self.context.events.pod(pod, Severity::Warning, "FailedCreatePodContainer", message);
            return Err(());
        }
        Ok(())
    }

    async fn attach(&mut self, pod: &Arc<Pod>) -> Result<(), String> {
        if let Some(attached) = attach(&self.context, pod).await? {
            self.addresses = attached.addresses;
        }
        Ok(())
    }

    /// Sets up volumes and keeps them up to date.
    pub(super) async fn set_up_volumes(&mut self, pod: &Arc<Pod>) -> Result<(), ()> {
        if self.volumes.is_some() {
            return Ok(());
        }
        let context = self.context.clone();
        let mut files = Files::new(context.hosts.clone(), context.allocatable());
        let done = volumes::set_up(pod, &context.config, &context.client, &context.objects, &mut files).await;
        match done {
            Ok(mounted) => {
                self.volumes = Some(mounted);
                let (client, objects) = (context.client.clone(), context.objects.clone());
                self.live = Live::start(files, self.pod_tx.subscribe(), client, objects);
                Ok(())
            }
            Err(failure) => {
                let why = crate::chain(&failure.error);
                let message = format!("MountVolume.SetUp failed for volume {:?} : {why}", failure.volume);
                context.events.pod(pod, Severity::Warning, "FailedMount", message);
                self.wake_on_change(files);
                Err(())
            }
        }
    }

    /// Wakes the worker when an object changes that a volume waits for.
    fn wake_on_change(&self, files: Files) {
        let wake = self.wake.clone();
        let mut changes = files.changes();
        for change in &mut changes {
            change.mark_unchanged();
        }
        let stop = self.context.stop.clone();
        self.context.tasks.spawn(async move {
            let held = files;
            let changed = tokio::time::timeout(super::LONG_PAUSE, volumes::files::any(&mut changes));
            let waited = stop.run_until_cancelled(changed).await;
            drop(held);
            if waited.is_some_and(|waited| waited.is_ok()) {
                wake.notify_one();
            }
        });
    }

    async fn sandbox_config(&self, pod: &Pod, attempt: u32) -> Result<PodConfig, String> {
        let (context, spec) = (&self.context, spec(pod));
        let own = names::names(pod, &context.config.cluster_domain).map_err(|error| error.to_string())?;
        let hostname = match on_host_network(pod) {
            true => String::new(),
            false => names::kernel_hostname(pod, &own).map_err(|error| error.to_string())?,
        };
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let security = spec.security_context.as_ref();
        let sysctls = security.and_then(|security| security.sysctls.as_deref()).unwrap_or_default();
        let grace = spec.termination_grace_period_seconds.unwrap_or(30);
        Ok(PodConfig {
            uid: self.uid.clone(),
            name: text(&pod.metadata.name),
            namespace: text(&pod.metadata.namespace),
            hostname,
            netns: None,
            host_pid: spec.host_pid == Some(true),
            host_ipc: spec.host_ipc == Some(true),
            share_pid: assemble::shares_processes(pod),
            sysctls: sysctls.iter().map(|one| (one.name.replace('/', "."), one.value.clone())).collect(),
            cgroup_parent: context.groups.name_of(pod),
            resolv_conf: Some(self.resolver(pod)),
            handler: self.handler(pod).await?,
            labels: assemble::labels(pod, ""),
            annotations: BTreeMap::from([
                (notes::ATTEMPT.to_owned(), attempt.to_string()),
                (notes::GRACE.to_owned(), grace.to_string()),
            ]),
        })
    }

    fn resolver(&self, pod: &Pod) -> String {
        let config = &self.context.config;
        let host = dns::Resolver::parse(&std::fs::read_to_string(&config.resolv_conf).unwrap_or_default());
        let formed = dns::resolver(pod, &host, &config.cluster_dns, &config.cluster_domain);
        for warning in formed.warnings {
            self.context.events.pod(pod, Severity::Warning, "DNSConfigForming", warning);
        }
        formed.resolver.render()
    }

    /// The handler of the pod's RuntimeClass; empty is the built-in one.
    async fn handler(&self, pod: &Pod) -> Result<String, String> {
        let Some(name) = spec(pod).runtime_class_name.as_deref().filter(|name| !name.is_empty()) else {
            return Ok(container::config::BUILT_IN.to_owned());
        };
        let api: Api<RuntimeClass> = Api::all(self.context.client.clone());
        match api.get_opt(name).await {
            Ok(Some(class)) => Ok(class.handler),
            Ok(None) => Err(format!("RuntimeClass {name:?} not found")),
            Err(error) => Err(format!("cannot read RuntimeClass {name:?}: {error}")),
        }
    }
}

/// Gives the pod its network; nothing for pods in the host's.
async fn attach(context: &crate::context::Context, pod: &Pod) -> Result<Option<network::Attached>, String> {
    if on_host_network(pod) {
        return Ok(None);
    }
    let uid = pod.metadata.uid.as_deref().unwrap_or_default();
    let attached = context.network.attach(uid, &host_ports(pod)).await;
    attached.map(Some).map_err(|error| crate::chain(&error))
}

/// Ports of the host that lead to the pod.
fn host_ports(pod: &Pod) -> Vec<HostPort> {
    let all = lasting(spec(pod)).flat_map(|container| container.ports.iter().flatten());
    all.filter_map(|port| {
        Some(HostPort {
            protocol: match port.protocol.as_deref() {
                Some("UDP") => Protocol::Udp,
                Some("SCTP") => Protocol::Sctp,
                _ => Protocol::Tcp,
            },
            host_ip: port
                .host_ip
                .as_deref()
                .and_then(|ip| ip.parse().ok())
                .filter(|ip: &std::net::IpAddr| !ip.is_unspecified()),
            host_port: u16::try_from(port.host_port?).ok().filter(|port| *port > 0)?,
            container_port: u16::try_from(port.container_port).ok()?,
        })
    })
    .collect()
}
