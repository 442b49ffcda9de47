//! From a profile to what the kernel takes.
//!
//! A filter of seccompiler's knows two answers, one for what matches and one for the rest. A profile has more, so it
//! becomes several filters, and the kernel takes the strictest answer of all: one lets through all that is named at all
//! (the rest gets the profile's default), and each further answer has a filter of its own that lets through the rest.

use super::{Argument, Profile, Rule};
use crate::oci::install::{Filter, pack};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};
use std::collections::BTreeMap;
use std::str::FromStr;
use syscalls::Sysno;

const EPERM: u32 = 1;
/// Calls of the x32 interface have this bit; as no profile names them, one that forbids a call would not catch them.
const X32_BIT: u32 = 0x4000_0000;

/// Why a profile cannot be applied.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum WhyNot {
    #[error("action {0:?} is not known")]
    Action(String),
    #[error("action \"SCMP_ACT_NOTIFY\" needs a listener, which there is none for")]
    Notify,
    #[error("operator {0:?} is not known")]
    Operator(String),
    #[error("flag {0:?} is not known")]
    Flag(String),
    #[error("no filters are made for the architecture {0}")]
    Architecture(&'static str),
    #[error("{0}")]
    Compiler(String),
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The filters, in the order of installing.
pub(super) fn filters(profile: &Profile) -> Result<Vec<Filter>, WhyNot> {
    let architecture = std::env::consts::ARCH;
    let target = TargetArch::try_from(architecture).map_err(|_| WhyNot::Architecture(architecture))?;
    if !profile.listener_path.is_empty() {
        return Err(WhyNot::Notify);
    }
    let flags = flags(&profile.flags)?;
    let default = action(&profile.default_action, profile.default_errno_ret)?;
    let mut named = Rules::new();
    let mut by_answer: Vec<(SeccompAction, Rules)> = Vec::new();
    for rule in &profile.syscalls {
        let answer = action(&rule.action, rule.errno_ret)?;
        if answer == default {
            continue;
        }
        let place = match by_answer.iter().position(|(one, _)| *one == answer) {
            Some(place) => place,
            None => {
                by_answer.push((answer, Rules::new()));
                by_answer.len() - 1
            }
        };
        add(rule, &mut named)?;
        add(rule, &mut by_answer[place].1)?;
    }
    let mut made = Vec::new();
    for (answer, rules) in by_answer {
        if answer != SeccompAction::Allow {
            // What denies the call that installs filters has to come last.
            let denies_more = rules.contains_key(&(Sysno::seccomp as i64));
            made.push((1 + u8::from(denies_more), filter(rules, SeccompAction::Allow, answer, target)?));
        }
    }
    if default != SeccompAction::Allow {
        let installs_more = named.contains_key(&(Sysno::seccomp as i64));
        made.push((if installs_more { 0 } else { 3 }, filter(named, default, SeccompAction::Allow, target)?));
    }
    made.sort_by_key(|(order, _)| *order);
    Ok(made.into_iter().map(|(_, program)| as_filter(&program, flags)).collect())
}

fn filter(
    rules: Rules,
    otherwise: SeccompAction,
    answer: SeccompAction,
    target: TargetArch,
) -> Result<BpfProgram, WhyNot> {
    let compiler = |error: seccompiler::BackendError| WhyNot::Compiler(error.to_string());
    SeccompFilter::new(rules, otherwise, answer, target).map_err(compiler)?.try_into().map_err(compiler)
}

/// Adds a rule; calls that this architecture does not have are left out, as everywhere.
fn add(rule: &Rule, to: &mut Rules) -> Result<(), WhyNot> {
    for name in &rule.names {
        let Ok(call) = Sysno::from_str(name) else { continue };
        let known = to.entry(call as i64);
        if rule.args.is_empty() {
            // No conditions at all: this says yes whatever others say.
            known.or_default().clear();
            continue;
        }
        let conditions = rule.args.iter().map(condition).collect::<Result<Vec<_>, _>>()?;
        let conditions = SeccompRule::new(conditions).map_err(|error| WhyNot::Compiler(error.to_string()))?;
        match known {
            std::collections::btree_map::Entry::Occupied(mut rules) if !rules.get().is_empty() => {
                rules.get_mut().push(conditions)
            }
            std::collections::btree_map::Entry::Occupied(_) => {}
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(vec![conditions]);
            }
        }
    }
    Ok(())
}

fn condition(argument: &Argument) -> Result<SeccompCondition, WhyNot> {
    let (operator, value) = match argument.op.as_str() {
        "SCMP_CMP_NE" => (SeccompCmpOp::Ne, argument.value),
        "SCMP_CMP_LT" => (SeccompCmpOp::Lt, argument.value),
        "SCMP_CMP_LE" => (SeccompCmpOp::Le, argument.value),
        "SCMP_CMP_EQ" => (SeccompCmpOp::Eq, argument.value),
        "SCMP_CMP_GE" => (SeccompCmpOp::Ge, argument.value),
        "SCMP_CMP_GT" => (SeccompCmpOp::Gt, argument.value),
        "SCMP_CMP_MASKED_EQ" => (SeccompCmpOp::MaskedEq(argument.value), argument.value_two),
        other => return Err(WhyNot::Operator(other.to_owned())),
    };
    SeccompCondition::new(argument.index, SeccompCmpArgLen::Qword, operator, value)
        .map_err(|error| WhyNot::Compiler(error.to_string()))
}

fn action(name: &str, number: Option<u32>) -> Result<SeccompAction, WhyNot> {
    Ok(match name {
        "SCMP_ACT_ALLOW" => SeccompAction::Allow,
        "SCMP_ACT_ERRNO" => SeccompAction::Errno(number.unwrap_or(EPERM)),
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => SeccompAction::KillThread,
        "SCMP_ACT_KILL_PROCESS" => SeccompAction::KillProcess,
        "SCMP_ACT_LOG" => SeccompAction::Log,
        "SCMP_ACT_TRACE" => SeccompAction::Trace(number.unwrap_or(EPERM)),
        "SCMP_ACT_TRAP" => SeccompAction::Trap,
        "SCMP_ACT_NOTIFY" => return Err(WhyNot::Notify),
        other => return Err(WhyNot::Action(other.to_owned())),
    })
}

fn flags(names: &[String]) -> Result<u32, WhyNot> {
    names.iter().try_fold(0, |flags, name| match name.as_str() {
        // One thread installs it, so all have it.
        "SECCOMP_FILTER_FLAG_TSYNC" => Ok(flags),
        "SECCOMP_FILTER_FLAG_LOG" => Ok(flags | 2),
        "SECCOMP_FILTER_FLAG_SPEC_ALLOW" => Ok(flags | 4),
        other => Err(WhyNot::Flag(other.to_owned())),
    })
}

/// In the kernel's form, with a refusal of the x32 interface in front.
fn as_filter(program: &BpfProgram, flags: u32) -> Filter {
    let code = |bits: u32| bits as u16;
    let load = code(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS);
    let is_x32 = code(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K);
    let answer = code(libc::BPF_RET | libc::BPF_K);
    let mut instructions = Vec::with_capacity(program.len() + 3);
    if cfg!(target_arch = "x86_64") {
        let no_such_call = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
        // The number of the call stands first in what a filter sees.
        instructions.extend([pack(load, 0, 0, 0), pack(is_x32, 0, 1, X32_BIT), pack(answer, 0, 0, no_such_call)]);
    }
    instructions.extend(program.iter().map(|one| pack(one.code, one.jt, one.jf, one.k)));
    Filter { instructions, flags }
}

#[cfg(test)]
mod tests {
    use super::{WhyNot, filters};
    use crate::seccomp::{Profile, usual};

    fn profile(text: &str) -> Profile {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_usual_profile_compiles() {
        let made = filters(&usual::profile(&["CAP_SYS_CHROOT".to_owned()])).unwrap();
        assert_eq!(made.len(), 2, "one for what is allowed, one for the other error of clone3");
        assert!(made.iter().all(|filter| filter.instructions.len() < 4096));
    }

    #[test]
    fn what_cannot_be_applied_is_an_error() {
        let check = |text: &str, why: WhyNot| assert_eq!(filters(&profile(text)).unwrap_err(), why);
        check(r#"{"defaultAction": "SCMP_ACT_NOTIFY"}"#, WhyNot::Notify);
        check(r#"{"defaultAction": "SCMP_ACT_MAYBE"}"#, WhyNot::Action("SCMP_ACT_MAYBE".to_owned()));
        check(r#"{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["X"]}"#, WhyNot::Flag("X".to_owned()));
        let rule = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO",
            "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_X"}]}]}"#;
        check(rule, WhyNot::Operator("SCMP_CMP_X".to_owned()));
    }

    #[test]
    fn calls_of_other_architectures_are_left_out() {
        let rule = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["socketcall", "nothing"], "action": "SCMP_ACT_ERRNO"}]}"#;
        assert_eq!(filters(&profile(rule)).unwrap().len(), 1);
    }
}
