//! The flags that guard the API server, made from the table that also knows the keys of the file.

use clap::{Arg, ArgAction, ArgMatches, Command, Error};
use cluster::config::guard::{FIELDS, Field, Layer};

/// What the flags say.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard(pub(super) Layer);

impl clap::Args for Guard {
    fn augment_args(command: Command) -> Command {
        command.args(FIELDS.iter().map(arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Guard::augment_args(command)
    }
}

fn arg(field: &'static Field) -> Arg {
    let arg = Arg::new(field.key).long(field.key).help(field.help);
    if field.is_switch() {
        arg.action(ArgAction::SetTrue)
    } else {
        arg.value_name(field.value_name).action(ArgAction::Append)
    }
}

impl clap::FromArgMatches for Guard {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Guard, Error> {
        let mut layer = Layer::default();
        for field in FIELDS {
            let Some(text) = said(field, matches) else { continue };
            let take = layer.take(field, value::Value::String(text), || format!("--{}", field.key));
            take.map_err(|error| Error::raw(clap::error::ErrorKind::ValueValidation, format!("{error}\n")))?;
        }
        Ok(Guard(layer))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Guard::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What a flag says; one that is repeated says a list.
fn said(field: &Field, matches: &ArgMatches) -> Option<String> {
    if field.is_switch() {
        return matches.get_flag(field.key).then(|| "true".to_owned());
    }
    let values: Vec<&str> = matches.get_many::<String>(field.key)?.map(String::as_str).collect();
    Some(values.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args, FromArgMatches};

    fn parse(args: &[&str]) -> Result<Guard, Error> {
        let command = Guard::augment_args(Command::new("server").no_binary_name(true));
        command.try_get_matches_from(args).and_then(|matches| Guard::from_arg_matches(&matches))
    }

    #[test]
    fn flags_come_from_the_table() {
        let guard = parse(&["--admission-control-config-file", "a.yaml"]).unwrap();
        assert_ne!(guard.0, Layer::default());
        assert_eq!(parse(&[]).unwrap().0, Layer::default());
        let error = parse(&["--admission-control-config-file", ""]).unwrap_err().to_string();
        assert!(error.contains("--admission-control-config-file is \"\", but has to be a file"), "{error}");
    }
}
