//! `hakata helm template`

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use helm::capabilities::Capabilities;
use helm::engine::{self, Release};
use helm::render::{Options, Rendered, render};

use super::chart::{load_installable, name_and_chart};
use super::cluster::{DryRun, always_dry_run};
use super::flags::{Global, RenderFlags};
use super::output::{print, warn};

/// Locally render templates
#[derive(clap::Args)]
#[command(disable_version_flag = true)]
pub(crate) struct Args {
    /// [NAME] [CHART]
    #[arg(required = true)]
    args: Vec<String>,
    #[command(flatten)]
    render: RenderFlags,
    /// only show manifests rendered from the given templates
    #[arg(long, short = 's')]
    show_only: Vec<String>,
    /// writes the executed templates to files in output-dir instead of stdout
    #[arg(long)]
    output_dir: Option<PathBuf>,
    /// include CRDs in the templated output
    #[arg(long)]
    include_crds: bool,
    /// skip tests from templated output
    #[arg(long)]
    skip_tests: bool,
    /// set .Release.IsUpgrade instead of .Release.IsInstall
    #[arg(long)]
    is_upgrade: bool,
    /// Kubernetes version used for Capabilities.KubeVersion
    #[arg(long)]
    kube_version: Option<String>,
    /// Kubernetes api versions used for Capabilities.APIVersions (multiple can be specified)
    #[arg(long, short = 'a', value_delimiter = ',')]
    api_versions: Vec<String>,
    /// use release name in the output-dir path.
    #[arg(long)]
    release_name: bool,
    #[command(flatten)]
    unused: Unused,
    /// simulates the operation either client-side or server-side: "client" or "server"
    #[arg(long, num_args = 0..=1, default_missing_value = "unset", require_equals = true, value_parser = always_dry_run)]
    dry_run: Option<DryRun>,
}

/// Flags of `install` that Helm's `template` takes too, and that change nothing of what is rendered.
#[derive(clap::Args)]
struct Unused {
    #[arg(long, hide = true)]
    create_namespace: bool,
    #[arg(long, hide = true)]
    description: Option<String>,
    #[arg(long, hide = true)]
    force_conflicts: bool,
    #[arg(long, hide = true)]
    force_replace: bool,
    #[arg(long, short = 'l', hide = true)]
    labels: Vec<String>,
    #[arg(long, hide = true)]
    replace: bool,
    #[arg(long, hide = true, alias = "atomic")]
    rollback_on_failure: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    server_side: Option<String>,
    #[arg(long, hide = true)]
    take_ownership: bool,
    #[arg(long, hide = true)]
    timeout: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "watcher")]
    wait: Option<String>,
    #[arg(long, hide = true)]
    wait_for_jobs: bool,
    /// Helm 3's way to ask a cluster.
    #[arg(long, hide = true)]
    validate: bool,
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    if args.unused.validate {
        warn("Flag --validate has been deprecated, use '--dry-run=server' instead");
    }
    let done = template(global, args);
    // Some failures are logged before they are told of, as those of an installation are.
    done.map_err(|error| {
        let error = super::cluster::checked(error.to_string());
        super::install::log(&error);
        anyhow!("{error}")
    })
}

fn template(global: &Global, args: &Args) -> anyhow::Result<()> {
    let mut capabilities = Capabilities::default();
    if let Some(version) = &args.kube_version {
        let set = capabilities.set_version(version);
        set.map_err(|error| anyhow!("invalid kube version '{version}': {error}"))?;
    }
    capabilities.api_versions.extend(args.api_versions.iter().cloned());
    let (name, reference) = name_and_chart(&args.args, &args.render, Some("release-name"))?;
    helm::render::check_name(&name).map_err(|error| anyhow!("release name check failed: {error}"))?;
    let values = args.render.values.options().merge(&global.places())?;
    let mut chart = load_installable(global, &reference, &args.render)?;
    let release = Release { name, namespace: global.namespace(), revision: 1, is_upgrade: args.is_upgrade };
    let asks = args.unused.validate || args.dry_run == Some(DryRun::Server);
    if asks {
        let of_cluster = super::cluster::run(global, |cluster, _| async move { cluster.capabilities().await })?;
        let given = std::mem::replace(&mut capabilities, of_cluster);
        capabilities.api_versions.extend(given.api_versions);
    }
    let lookup = asks.then(|| super::cluster::lookup(global));
    let options = Options {
        engine: engine::Options {
            enable_dns: args.render.enable_dns,
            lookup: lookup.as_ref(),
            ..engine::Options::default()
        },
        include_crds: args.include_crds,
        sub_notes: args.render.render_subchart_notes,
        skip_schema: args.render.skip_schema_validation,
        warn: Some(warn),
    };
    let rendered = match render(&mut chart, &values, &release, &capabilities, options) {
        Ok(rendered) => rendered,
        Err(error) => return Err(failed(global, error)),
    };
    let post = super::postrender::of(global, &args.render, false)?;
    let rendered = post.map_or(Ok(rendered.clone()), |post| post.run(rendered))?;
    write(args, &rendered, &release.name)
}

/// Says how to see more; with `--debug`, shows what was rendered.
fn failed(global: &Global, error: helm::Error) -> anyhow::Error {
    match &error {
        helm::Error::Manifest { rendered, .. } if global.debug => {
            warn_broken(print(&format!("{}\n", rendered.trim())));
            anyhow!("{error}")
        }
        helm::Error::Execution { message, around } => {
            let debug = if global.debug { "" } else { "\n\nUse --debug flag to render out invalid YAML" };
            anyhow!("{message}{debug}\n\n{}", around.trim_end())
        }
        helm::Error::Manifest { .. } | helm::Error::Template(_) if !global.debug => {
            anyhow!("{error}\n\nUse --debug flag to render out invalid YAML")
        }
        error => anyhow!("{error}"),
    }
}

fn warn_broken(done: anyhow::Result<()>) {
    if let Err(error) = done {
        warn(&error.to_string());
    }
}

fn write(args: &Args, rendered: &Rendered, release: &str) -> anyhow::Result<()> {
    if let Some(directory) = &args.output_dir {
        let directory = if args.release_name { directory.join(release) } else { directory.clone() };
        return write_files(args, rendered, &directory);
    }
    let output = rendered.template_output_with(args.skip_tests, args.render.no_hooks);
    if args.show_only.is_empty() {
        return print(&output);
    }
    print(&shown_only(&output, &args.show_only)?)
}

/// The documents that came from the templates asked for.
fn shown_only(output: &str, wanted: &[String]) -> anyhow::Result<String> {
    let documents = helm::manifest::split(output);
    let mut out = String::new();
    for pattern in wanted {
        let mut found = false;
        for document in &documents {
            let source = document.lines().find_map(|line| line.strip_prefix("# Source: "));
            let Some((_, path)) = source.and_then(|source| source.split_once('/')) else { continue };
            if helm::chart::path_matches(pattern, path) == Some(true) {
                found = true;
                out.push_str(&format!("---\n{document}\n"));
            }
        }
        if !found {
            bail!("could not find template {pattern} in chart");
        }
    }
    Ok(out)
}

fn write_files(args: &Args, rendered: &Rendered, directory: &Path) -> anyhow::Result<()> {
    let mut written = HashSet::new();
    let mut hooks: Vec<_> = rendered.hooks.iter().collect();
    if args.render.no_hooks {
        hooks.clear();
    }
    hooks.retain(|hook| !(args.skip_tests && hook.events.iter().any(|event| event == "test")));
    let crds = rendered.crds.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let manifests = rendered.manifests.iter().map(|manifest| (manifest.path.as_str(), manifest.content.as_str()));
    let hooks = hooks.into_iter().map(|hook| (hook.path.as_str(), hook.manifest.as_str()));
    for (path, content) in crds.chain(manifests).chain(hooks) {
        let file = directory.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        let again = !written.insert(path.to_owned());
        let mut out = fs::OpenOptions::new().create(true).write(true).append(again).truncate(!again).open(&file)?;
        out.write_all(format!("---\n# Source: {path}\n{content}\n").as_bytes())?;
        print(&format!("wrote {}\n", file.display()))?;
    }
    print("\n")
}
