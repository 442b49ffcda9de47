//! Helm's command line is Go's: `--flag=false` is possible for every switch, of a flag that is given twice the last one
//! counts, and a command line that makes no sense is told of in Helm's words, with exit code 1.

use std::ffi::OsString;
use std::io::Write as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, CommandFactory as _, FromArgMatches as _};

use crate::commands::Cli;

/// Reads a command line that begins with `hakata helm`, or ends the process with what is wrong about it.
pub(crate) fn parse(args: &[OsString]) -> Cli {
    let mut command = command();
    let parsed = command.try_get_matches_from_mut(args).and_then(|mut found| Cli::from_arg_matches_mut(&mut found));
    match parsed {
        Ok(cli) => cli,
        Err(error) => refuse(&error, &command, args),
    }
}

/// The command line of the program, with that of Helm as Go reads it.
pub(super) fn command() -> Command {
    Cli::command().mut_subcommand("helm", as_in_go)
}

fn as_in_go(command: Command) -> Command {
    command.args_override_self(true).mut_args(switch).mut_subcommands(as_in_go)
}

/// A switch takes a value, too.
fn switch(arg: Arg) -> Arg {
    if !matches!(arg.get_action(), ArgAction::SetTrue) {
        return arg;
    }
    arg.action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_value("false")
        .default_missing_value("true")
        .hide_default_value(true)
        .value_parser(truth)
        .value_name("true|false")
}

/// What Go takes for true and for false; a variable that is empty is not set.
fn truth(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        other => Err(format!("strconv.ParseBool: parsing {other:?}: invalid syntax")),
    }
}

/// What commands take besides flags, as Helm writes it.
const ARGUMENTS: [(&str, &str); 39] = [
    ("helm create", "NAME"),
    ("helm dependency build", "CHART"),
    ("helm dependency list", "CHART"),
    ("helm dependency update", "CHART"),
    ("helm get all", "RELEASE_NAME"),
    ("helm get hooks", "RELEASE_NAME"),
    ("helm get manifest", "RELEASE_NAME"),
    ("helm get metadata", "RELEASE_NAME"),
    ("helm get notes", "RELEASE_NAME"),
    ("helm get values", "RELEASE_NAME"),
    ("helm history", "RELEASE_NAME"),
    ("helm install", "[NAME] [CHART]"),
    ("helm lint", "PATH"),
    ("helm package", "[CHART_PATH] [...]"),
    ("helm plugin install", "[options] <path|url>"),
    ("helm plugin uninstall", "<plugin>..."),
    ("helm plugin update", "<plugin>..."),
    ("helm pull", "[chart URL | repo/chartname] [...]"),
    ("helm push", "[chart] [remote]"),
    ("helm registry login", "[host]"),
    ("helm registry logout", "[host]"),
    ("helm repo add", "[NAME] [URL]"),
    ("helm repo index", "[DIR]"),
    ("helm repo remove", "[REPO1 [REPO2 ...]]"),
    ("helm repo update", "[REPO1 [REPO2 ...]]"),
    ("helm rollback", "<RELEASE> [REVISION]"),
    ("helm search hub", "[KEYWORD]"),
    ("helm search repo", "[keyword]"),
    ("helm show all", "[CHART]"),
    ("helm show chart", "[CHART]"),
    ("helm show crds", "[CHART]"),
    ("helm show readme", "[CHART]"),
    ("helm show values", "[CHART]"),
    ("helm status", "RELEASE_NAME"),
    ("helm template", "[NAME] [CHART]"),
    ("helm test", "[RELEASE]"),
    ("helm uninstall", "RELEASE_NAME [...]"),
    ("helm upgrade", "[RELEASE] [CHART]"),
    ("helm verify", "PATH"),
];

fn refuse(error: &clap::Error, command: &Command, args: &[OsString]) -> ! {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => error.exit(),
        // Without a command, or with none that it knows, a group says what commands there are, and calls that success.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::MissingSubcommand
        | ErrorKind::InvalidSubcommand => {
            let (_, at) = place(command, args);
            // Nothing can be done about a closed standard output.
            let _ = write!(std::io::stdout(), "{}", at.clone().render_help());
            std::process::exit(0)
        }
        _ => {
            // Nothing can be done about a closed standard error.
            let _ = writeln!(std::io::stderr(), "Error: {}", words(error, command, args));
            std::process::exit(1)
        }
    }
}

fn context(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.first().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}

fn words(error: &clap::Error, command: &Command, args: &[OsString]) -> String {
    let (path, at) = place(command, args);
    let (arg, value) = (context(error, ContextKind::InvalidArg), context(error, ContextKind::InvalidValue));
    match error.kind() {
        ErrorKind::UnknownArgument if arg.starts_with("--") => {
            format!("unknown flag: {}", arg.split('=').next().unwrap_or(&arg))
        }
        ErrorKind::UnknownArgument if arg.len() > 1 && arg.starts_with('-') => {
            let letter = arg.chars().nth(1).unwrap_or_default();
            format!("unknown shorthand flag: '{letter}' in {arg}")
        }
        ErrorKind::UnknownArgument => arity(at, &path, true),
        ErrorKind::MissingRequiredArgument => arity(at, &path, false),
        ErrorKind::InvalidValue if value.is_empty() => match flag(&arg) {
            flag if flag.starts_with("--") => format!("flag needs an argument: {flag}"),
            flag => format!("flag needs an argument: '{}' in {flag}", flag.trim_start_matches('-')),
        },
        ErrorKind::InvalidValue => {
            format!("invalid argument {value:?} for {:?} flag: invalid format type", named(at, &arg))
        }
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            match why.starts_with("invalid dry-run value") {
                // Helm looks at it later than at other flags.
                true => why,
                false => format!("invalid argument {value:?} for {:?} flag: {why}", named(at, &arg)),
            }
        }
        _ => {
            let text = error.to_string();
            text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    }
}

/// A flag without the name of its value.
fn flag(arg: &str) -> &str {
    arg.split([' ', '=', '[']).next().unwrap_or(arg)
}

/// A flag with its short form, as Go names it.
fn named(command: &Command, arg: &str) -> String {
    let long = flag(arg).trim_start_matches('-');
    let short = command.get_arguments().find(|known| known.get_long() == Some(long)).and_then(Arg::get_short);
    match short {
        Some(short) => format!("-{short}, --{long}"),
        None => format!("--{long}"),
    }
}

/// The command that the words on the line lead to, and its path without our own name.
fn place<'c>(command: &'c Command, args: &[OsString]) -> (String, &'c Command) {
    let mut at = command;
    let mut path: Vec<&str> = Vec::new();
    let mut words = args.iter().skip(1).filter_map(|word| word.to_str());
    while let Some(word) = words.next() {
        if word.starts_with('-') {
            let name = word.trim_start_matches('-');
            let takes_value = at.get_arguments().any(|arg| {
                let own = arg.get_long() == Some(name) || word.len() == 2 && arg.get_short() == name.chars().next();
                own && matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) && !arg.is_require_equals_set()
            });
            if takes_value {
                words.next();
            }
            continue;
        }
        let Some(next) = at.find_subcommand(word) else { break };
        path.push(next.get_name());
        at = next;
    }
    (path.join(" "), at)
}

/// How many arguments a command takes, to somebody who gave too many or too few.
fn arity(command: &Command, path: &str, too_many: bool) -> String {
    let places: Vec<&Arg> = command.get_positionals().collect();
    let needed = places.iter().filter(|arg| arg.is_required_set()).count();
    let endless = places.iter().any(|arg| matches!(arg.get_action(), ArgAction::Append));
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let how = match (places.len(), needed) {
        (0, _) => "accepts no arguments".to_owned(),
        (all, needed) if all == needed && !endless => format!("requires {needed} argument{}", plural(needed)),
        (all, _) if too_many => format!("accepts at most {all} argument{}", plural(all)),
        (_, needed) => format!("requires at least {needed} argument{}", plural(needed)),
    };
    let known = ARGUMENTS.iter().find(|(name, _)| *name == path).map(|(_, arguments)| format!("{arguments} "));
    let names = known.unwrap_or_else(|| places.iter().map(|arg| format!("{arg} ")).collect());
    format!("{path:?} {how}\n\nUsage:  {path} {names}[flags]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn what_makes_no_sense_is_told_in_helms_words() {
        let check = |line: &str, want: &str| {
            let args = lines(line);
            let mut command = command();
            let error = command.try_get_matches_from_mut(&args).expect_err(line);
            let told = words(&error, &command, &args);
            assert_eq!(told.lines().next(), Some(want), "{line}: {told}");
        };
        check("hakata helm template web --foo", "unknown flag: --foo");
        check("hakata helm -n x list -x", "unknown shorthand flag: 'x' in -x");
        check("hakata helm list x", "\"helm list\" accepts no arguments");
        check("hakata helm -n get get all", "\"helm get all\" requires 1 argument");
        check("hakata helm repo add a", "\"helm repo add\" requires 2 arguments");
        check("hakata helm rollback", "\"helm rollback\" requires at least 1 argument");
        check("hakata helm env a b", "\"helm env\" accepts at most 1 argument");
        check("hakata helm list -o foo", "invalid argument \"foo\" for \"-o, --output\" flag: invalid format type");
        check(
            "hakata helm template web --skip-crds=x",
            "invalid argument \"x\" for \"--skip-crds\" flag: strconv.ParseBool: parsing \"x\": invalid syntax",
        );
        check("hakata helm template web --set", "flag needs an argument: --set");
    }

    #[test]
    fn switches_take_values_and_the_last_of_two_counts() {
        let check = |line: &str, flag: &str, want: bool| {
            let mut command = command();
            let found = command.try_get_matches_from_mut(lines(line)).unwrap();
            let mut at = &found;
            while let Some((_, inner)) = at.subcommand() {
                at = inner;
            }
            assert_eq!(at.get_one::<bool>(flag), Some(&want), "{line}");
        };
        check("hakata helm list", "short", false);
        check("hakata helm list -q", "short", true);
        check("hakata helm list -Aq", "short", true);
        check("hakata helm list --short=true --short=false", "short", false);
        check("hakata helm list --short=F -n a -n b", "short", false);
        check("hakata helm template web --skip-crds=false", "skip_crds", false);
    }
}
