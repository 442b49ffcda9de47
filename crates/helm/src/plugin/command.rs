//! Which program of a plug-in is run on this machine, and with what.

use std::process::Command;

use value::Value;

/// A program for one kind of machine, or for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlatformCommand {
    os: String,
    arch: String,
    command: String,
    args: Vec<String>,
}

impl PlatformCommand {
    /// A program for all machines.
    pub(super) fn anywhere(command: &str, args: &[&str]) -> Self {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Self { command: command.to_owned(), args, ..Self::default() }
    }

    pub(super) fn list(value: &Value) -> Vec<Self> {
        let one = |one: &Value| Self {
            os: super::text(one, "os"),
            arch: super::text(one, "arch"),
            command: super::text(one, "command"),
            args: super::texts(&one["args"]),
        };
        value.as_array().into_iter().flatten().map(one).collect()
    }

    /// How well it fits this machine, by system and processor; none where it does not.
    fn fit(&self) -> Option<u8> {
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let system = self.os.eq_ignore_ascii_case(std::env::consts::OS);
        match (self.os.is_empty(), self.arch.is_empty()) {
            (true, true) => Some(0),
            (false, true) if system => Some(1),
            (false, false) if system && self.arch.eq_ignore_ascii_case(arch) => Some(2),
            // A processor without a system fits nowhere.
            _ => None,
        }
    }
}

/// The program that fits best (of several the first), its variables filled in; in its arguments where that is wanted.
pub(super) fn prepare(
    commands: &[PlatformCommand],
    expand_args: bool,
    variables: &[(String, String)],
) -> Option<Command> {
    let fitting = commands.iter().filter_map(|command| command.fit().map(|fit| (fit, command)));
    let (_, chosen) = fitting.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    let fill = |text: &str| expand(text, variables);
    let mut words = chosen.command.split(' ');
    let program = words.next().filter(|program| !program.is_empty())?;
    let mut command = Command::new(fill(program));
    let args = words.chain(chosen.args.iter().map(String::as_str));
    command.args(args.map(|arg| if expand_args { fill(arg) } else { arg.to_owned() }));
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    Some(command)
}

/// Fills in `$NAME` and `${NAME}`: from these variables, else from those of our process, else with nothing.
fn expand(text: &str, variables: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, next) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, next)) => (name, next),
            None => after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len())),
        };
        let own = variables.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        out.push_str(&own.or_else(|| std::env::var(name).ok()).unwrap_or_default());
        rest = next;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_for_this_machine_is_chosen() {
        let of = |os: &str, arch: &str, command: &str| PlatformCommand {
            os: os.to_owned(),
            arch: arch.to_owned(),
            command: command.to_owned(),
            args: Vec::new(),
        };
        let check = |commands: &[PlatformCommand], want: Option<&str>| {
            let made = prepare(commands, true, &[]);
            assert_eq!(made.map(|command| command.get_program().to_owned()), want.map(Into::into));
        };
        let (any, second, system) = (of("", "", "any"), of("", "", "second"), of(std::env::consts::OS, "", "system"));
        let other = of("plan9", "", "other");
        check(&[any.clone(), second], Some("any"));
        check(&[any.clone(), other.clone(), system], Some("system"));
        check(&[any, of("", "amd64", "processor")], Some("any"));
        check(&[other], None);
        check(&[], None);
    }

    #[test]
    fn variables_are_filled_in() {
        let variables = [("A".to_owned(), "x".to_owned())];
        let check = |text: &str, want: &str| assert_eq!(expand(text, &variables), want);
        check("$A/b", "x/b");
        check("${A}b$A", "xbx");
        check("no${NOT_SET_ANYWHERE}thing", "nothing");
        check("plain", "plain");
    }
}
