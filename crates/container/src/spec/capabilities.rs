//! Which capabilities a container has.

use crate::config::Capabilities;

/// What a container has if nobody says otherwise; the same as with other runtimes.
const USUAL: &[&str] = &[
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];

/// The usual ones, with what is added and without what is dropped, as far as this host has them itself.
/// `ALL` comes first on both sides, so that "drop all, add one" and "add all, drop one" mean what they say.
pub(crate) fn of(asked: &Capabilities, privileged: bool, host: &[String]) -> Vec<String> {
    if privileged {
        return host.to_vec();
    }
    let mut kept: Vec<String> = USUAL.iter().map(|name| (*name).to_owned()).collect();
    let all = |names: &[String]| names.iter().any(|name| name.eq_ignore_ascii_case("ALL"));
    if all(&asked.add) {
        kept = host.to_vec();
    }
    if all(&asked.drop) {
        kept.clear();
    }
    for name in named(&asked.add) {
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    for name in named(&asked.drop) {
        kept.retain(|one| *one != name);
    }
    kept.retain(|name| host.contains(name));
    kept.sort();
    kept
}

/// The name of a capability that nobody knows, if one is asked for.
pub(crate) fn unknown(asked: &Capabilities) -> Option<String> {
    named(&asked.add).chain(named(&asked.drop)).find(|name| name.parse::<caps::Capability>().is_err())
}

fn named(names: &[String]) -> impl Iterator<Item = String> {
    names
        .iter()
        .map(|name| name.to_ascii_uppercase())
        .filter(|name| name != "ALL")
        .map(|name| if name.starts_with("CAP_") { name } else { format!("CAP_{name}") })
}

#[cfg(test)]
mod tests {
    use crate::config::Capabilities;

    #[test]
    fn adding_and_dropping() {
        let host: Vec<String> = ["CAP_CHOWN", "CAP_KILL", "CAP_NET_ADMIN"].map(str::to_owned).into();
        let check = |add: &[&str], drop: &[&str], want: &[&str]| {
            let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            let asked = Capabilities { add: own(add), drop: own(drop) };
            assert_eq!(super::of(&asked, false, &host), want, "add {add:?} drop {drop:?}");
        };
        check(&[], &[], &["CAP_CHOWN", "CAP_KILL"]);
        check(&["NET_ADMIN"], &["CHOWN"], &["CAP_KILL", "CAP_NET_ADMIN"]);
        check(&["cap_net_admin"], &["ALL"], &["CAP_NET_ADMIN"]);
        check(&["ALL"], &["KILL"], &["CAP_CHOWN", "CAP_NET_ADMIN"]);
        check(&["SYS_TIME"], &["ALL"], &[]);
        assert_eq!(super::of(&Capabilities::default(), true, &host), host);
    }
}
