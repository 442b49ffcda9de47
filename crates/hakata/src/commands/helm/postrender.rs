//! Post-renderers: a program that changes what was rendered before it is used. Helm 4 knows them as plug-ins, by name;
//! Helm 3 took any program, by path, and so do we.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use helm::Error;
use helm::render::{PostRender, Rendered};
use serde_json::Value;

use super::flags::{Global, RenderFlags};

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
struct Program {
    command: PathBuf,
    args: Vec<String>,
    /// Where its plug-in is.
    plugin: Option<PathBuf>,
}

impl Program {
    fn find(global: &Global, name: &Path, args: &[String]) -> anyhow::Result<Self> {
        let plugins = global.places().plugins;
        if let Some(found) = name.to_str().and_then(|name| plugin(&plugins, name)) {
            return Ok(Self { args: [found.args, args.to_vec()].concat(), ..found });
        }
        let on_path = || {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
        };
        let command = if name.is_file() { Some(name.to_owned()) } else { on_path() };
        match command {
            Some(command) => Ok(Self { command, args: args.to_vec(), plugin: None }),
            None => anyhow::bail!(
                "invalid argument {name:?} for \"--post-renderer\" flag: no plugin of this name in {}, and no such program",
                plugins.display()
            ),
        }
    }

    fn run(&self, rendered: Rendered) -> Result<Rendered, Error> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::Template(format!("error while running post render on files: {error}"))
        };
        let mut command = Command::new(&self.command);
        command.args(&self.args).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(folder) = &self.plugin {
            command.env("HELM_PLUGIN_DIR", folder);
        }
        let mut child = command.spawn().map_err(|error| failed(&error))?;
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

/// The post-renderer of this name among the plug-ins.
fn plugin(plugins: &Path, name: &str) -> Option<Program> {
    for entry in std::fs::read_dir(plugins).ok()?.flatten() {
        let folder = entry.path();
        let Ok(text) = std::fs::read_to_string(folder.join("plugin.yaml")) else { continue };
        // A plug-in that cannot be read is not the one.
        let Ok(value) = helm::read_yaml(&text) else { continue };
        if value["name"] == name && value["type"] == "postrenderer/v1" {
            return program(&value["runtimeConfig"]["platformCommand"], &folder);
        }
    }
    None
}

/// The command for this kind of machine: the one that fits best.
fn program(commands: &Value, folder: &Path) -> Option<Program> {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let text = |command: &Value, name: &str| command[name].as_str().unwrap_or_default().to_lowercase();
    let fits = |command: &&Value| {
        let (os, own) = (text(command, "os"), text(command, "arch"));
        (os.is_empty() || os == std::env::consts::OS) && (own.is_empty() || own == arch)
    };
    let how_well = |command: &&Value| (!text(command, "os").is_empty(), !text(command, "arch").is_empty());
    let command = commands.as_array()?.iter().filter(fits).max_by_key(how_well)?;
    let expand = |text: &str| text.replace("${HELM_PLUGIN_DIR}", &folder.display().to_string());
    let words: Vec<String> = command["command"].as_str()?.split_whitespace().map(expand).collect();
    let args = command["args"].as_array().into_iter().flatten().filter_map(Value::as_str).map(expand);
    let (first, rest) = words.split_first()?;
    Some(Program {
        command: PathBuf::from(first),
        args: rest.iter().cloned().chain(args).collect(),
        plugin: Some(folder.to_owned()),
    })
}
