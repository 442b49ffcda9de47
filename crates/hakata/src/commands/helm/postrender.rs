//! Post-renderers: a program that changes what was rendered before it is used. Helm 4 knows them as plug-ins, by name;
//! Helm 3 took any program, by path, and so do we.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use helm::Error;
use helm::plugin::{self, Plugin};
use helm::render::{PostRender, Rendered};

use super::flags::{Global, RenderFlags};
use super::output::warn;

/// What the flags say is to become of what was rendered; none where it stays as it is.
pub(crate) fn of(global: &Global, flags: &RenderFlags, hide_secrets: bool) -> anyhow::Result<Option<PostRender>> {
    let program = match &flags.post_renderer {
        Some(name) => Some(Program::find(global, name, &flags.post_renderer_args)?),
        None => None,
    };
    if program.is_none() && !hide_secrets {
        return Ok(None);
    }
    Ok(Some(PostRender::new(move |rendered| {
        let rendered = match &program {
            Some(program) => program.run(rendered)?,
            None => rendered,
        };
        Ok(if hide_secrets { rendered.without_secrets() } else { rendered })
    })))
}

/// A program to run.
#[derive(Clone, Debug)]
enum Program {
    /// That of a plug-in, with what it sees.
    Plugin(Box<Plugin>, Vec<String>, Vec<(String, String)>),
    /// Any other.
    File(PathBuf, Vec<String>),
}

impl Program {
    fn find(global: &Global, name: &Path, args: &[String]) -> anyhow::Result<Self> {
        let places = global.places();
        let found = match name.to_str() {
            Some(name) => plugin::find(&places, plugin::POST_RENDERER, name, &mut warn)?,
            None => None,
        };
        if let Some(plugin) = found {
            return Ok(Self::Plugin(Box::new(plugin), args.to_vec(), super::env::variables(global)));
        }
        let on_path = || {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
        };
        let command = if name.is_file() { Some(name.to_owned()) } else { on_path() };
        match command {
            Some(command) => Ok(Self::File(command, args.to_vec())),
            None => anyhow::bail!(
                "invalid argument {name:?} for \"--post-renderer\" flag: no plugin of this name in {}, and no such program",
                places.plugins.display()
            ),
        }
    }

    fn command(&self) -> Result<Command, Error> {
        match self {
            Self::Plugin(plugin, args, variables) => plugin.command(args, variables),
            Self::File(path, args) => {
                let mut command = Command::new(path);
                command.args(args);
                Ok(command)
            }
        }
    }

    fn run(&self, rendered: Rendered) -> Result<Rendered, Error> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::Template(format!("error while running post render on files: {error}"))
        };
        let mut command = self.command()?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|error| failed(&error))?;
        let input = rendered.for_post_renderer()?;
        let mut stdin = child.stdin.take().ok_or_else(|| failed(&"the post-renderer takes no input"))?;
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().map_err(|error| failed(&error))?;
        // A program that does not read all its input is its own affair.
        let _ = writer.join();
        if !output.status.success() {
            return Err(failed(&output.status));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        if text.trim().is_empty() {
            return Err(failed(&"post-renderer produced empty output"));
        }
        rendered.after_post_renderer(&text)
    }
}
