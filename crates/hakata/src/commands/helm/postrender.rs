//! Post-renderers: a program that changes what was rendered before it is used.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{anyhow, bail};
use helm::render::Rendered;

use super::flags::RenderFlags;

/// Sends what was rendered through the program that the flags name, if any.
pub(crate) fn apply(rendered: Rendered, flags: &RenderFlags) -> anyhow::Result<Rendered> {
    let Some(program) = &flags.post_renderer else { return Ok(rendered) };
    let failed = |error: &dyn std::fmt::Display| anyhow!("error while running post render on files: {error}");
    let mut child = Command::new(program)
        .args(&flags.post_renderer_args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    let input = rendered.for_post_renderer()?;
    let mut stdin = child.stdin.take().ok_or_else(|| anyhow!("the post-renderer takes no input"))?;
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().map_err(|error| failed(&error))?;
    // A program that does not read all its input is its own affair.
    let _ = writer.join();
    if !output.status.success() {
        bail!("error while running post render on files: {}", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    if text.trim().is_empty() {
        bail!("error while running post render on files: post-renderer produced empty output");
    }
    Ok(rendered.after_post_renderer(&text)?)
}
