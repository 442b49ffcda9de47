//! `helmCharts`, through a helm program.

use crate::build::Options;
use crate::error::{Error, Result};
use crate::host::{Host, Program};
use crate::kustomization::{HelmChart, HelmGlobals};
use crate::loader::Loader;
use crate::merge::{Direction, merge};
use crate::node::{Node, parse_one};
use crate::path;
use crate::read::resources_from_text;
use crate::resource::Resource;
use crate::schema::Schema;
use value::Value;

/// A chart to be rendered.
#[derive(Debug, Default, Clone)]
pub(crate) struct Helm {
    pub(crate) globals: HelmGlobals,
    pub(crate) chart: HelmChart,
}

crate::decode::structure!(Helm, "HelmChartInflationGeneratorPlugin", {}, also globals, also chart);

/// Directories that go when the work is done.
struct Temporary<'h> {
    host: &'h dyn Host,
    dir: String,
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        self.host.remove(&self.dir);
    }
}

struct Run<'a, 'h> {
    chart: HelmChart,
    globals: HelmGlobals,
    loader: &'a Loader<'h>,
    command: &'a str,
    temporary: Temporary<'h>,
}

impl Helm {
    /// Takes the flags into account and refuses what cannot work.
    pub(crate) fn configure(mut self, options: &Options, loader: &Loader<'_>) -> Result<Self> {
        if !options.enable_helm {
            return Err(Error::new("must specify --enable-helm").cure("build with --enable-helm"));
        }
        if options.helm_command.is_empty() {
            return Err(Error::new("must specify --helm-command"));
        }
        let chart = &mut self.chart;
        if chart.kube_version.is_empty() {
            chart.kube_version.clone_from(&options.helm_kube_version);
        }
        if chart.api_versions.is_empty() {
            chart.api_versions.clone_from(&options.helm_api_versions);
        }
        chart.debug |= options.helm_debug;
        if chart.name.is_empty() {
            return Err(Error::new("chart name cannot be empty").at_field("helmCharts.name"));
        }
        if self.globals.chart_home.is_empty() {
            self.globals.chart_home = "charts".to_owned();
        }
        if chart.values_file.is_empty() {
            chart.values_file =
                path::join(&chart_home(&self.globals, chart, loader), &format!("{}/values.yaml", chart.name));
        }
        for file in &mut chart.additional_values_files {
            loader.load(file).map_err(|e| e.wrap("could not load additionalValuesFile"))?;
            *file = path::join(loader.root(), file);
        }
        match chart.values_merge.as_str() {
            "" => chart.values_merge = "override".to_owned(),
            "merge" | "override" | "replace" => {}
            _ => return Err(Error::new("valuesMerge must be one of [merge override replace]").at_field("valuesMerge")),
        }
        Ok(self)
    }

    /// Renders the chart.
    pub(crate) fn generate(&self, options: &Options, loader: &Loader<'_>, schema: &Schema) -> Result<Vec<Resource>> {
        let host = loader.host();
        let dir = host.temporary().map_err(|e| Error::new(e).wrap("unable to create tmp dir for HELM_CONFIG_HOME"))?;
        let mut run = Run {
            chart: self.chart.clone(),
            globals: self.globals.clone(),
            loader,
            command: &options.helm_command,
            temporary: Temporary { host, dir },
        };
        if run.globals.config_home.is_empty() {
            run.globals.config_home = path::join(&run.temporary.dir, "helm");
        }
        run.check_version()?;
        run.pull_if_missing()?;
        run.chart.values_file = run.values_file(schema)?;
        let output = run.helm(&run.template_args())?;
        let mut resources = parse_output(&output)?;
        for resource in &mut resources {
            resource.helm_generated = true;
        }
        Ok(resources)
    }
}

fn chart_home(globals: &HelmGlobals, chart: &HelmChart, loader: &Loader<'_>) -> String {
    let home = if globals.chart_home.starts_with('/') {
        globals.chart_home.clone()
    } else {
        path::join(loader.root(), &globals.chart_home)
    };
    if chart.version.is_empty() || chart.repo.is_empty() {
        return home;
    }
    path::join(&home, &format!("{}-{}", chart.name, chart.version))
}

/// Helm may say something before the first document.
fn parse_output(output: &str) -> Result<Vec<Resource>> {
    resources_from_text(output).or_else(|why| match output.split_once("\n---") {
        Some((_, rest)) => {
            let rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
            resources_from_text(rest).map_err(|_| why.wrap("could not parse bytes into resource map"))
        }
        None => Err(why.wrap("could not parse bytes into resource map")),
    })
}

impl Run<'_, '_> {
    fn home(&self) -> String {
        chart_home(&self.globals, &self.chart, self.loader)
    }

    fn helm(&self, args: &[String]) -> Result<String> {
        let home = &self.globals.config_home;
        let env = vec![
            ("HELM_CONFIG_HOME".to_owned(), home.clone()),
            ("HELM_CACHE_HOME".to_owned(), format!("{home}/.cache")),
            ("HELM_DATA_HOME".to_owned(), format!("{home}/.data")),
        ];
        let program =
            Program { name: self.command.to_owned(), args: args.to_vec(), env: env.clone(), ..Program::default() };
        let shown_env: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let failed = |why: &str, said: &str| {
            Error::new(format!(
                "{said}: unable to run: '{} {}' with env=[{}] (is '{}' installed?): {why}",
                self.command,
                args.join(" "),
                shown_env.join(" "),
                self.command
            ))
            .cure("install helm, or name it by --helm-command")
        };
        let ran = self.temporary.host.run(&program).map_err(|e| failed(&e, ""))?;
        match ran.failure {
            Some(why) => Err(failed(&why, &ran.errors)),
            None => Ok(String::from_utf8_lossy(&ran.output).into_owned()),
        }
    }

    fn check_version(&self) -> Result<()> {
        let said = self.helm(&["version".to_owned(), "--short".to_owned()])?;
        let digits = said.find(|c: char| c.is_ascii_digit()).map(|at| &said[at..]);
        match digits.and_then(|text| text.split('.').next()) {
            Some("3" | "4") => Ok(()),
            Some(_) => {
                let version = said.trim().trim_start_matches('v');
                Err(Error::new(format!("this plugin requires helm V3 or V4 but got v{version}")))
            }
            None => Err(Error::new(format!("cannot find version string in {said}"))),
        }
    }

    fn pull_if_missing(&self) -> Result<()> {
        let home = self.home();
        let at = path::join(&home, &self.chart.name);
        if self.temporary.host.resolve(&at).is_ok_and(|place| place.file.is_empty()) {
            return Ok(());
        }
        let (chart, repo) = (&self.chart, &self.chart.repo);
        if repo.is_empty() {
            return Err(Error::new(format!("no repo specified for pull, no chart found at '{at}'"))
                .at_field("helmCharts.repo")
                .cure("name the repository, or put the chart below helmGlobals.chartHome"));
        }
        let mut args: Vec<String> = ["pull", "--untar", "--untardir", &home].map(str::to_owned).to_vec();
        if repo.starts_with("oci://") {
            args.push(format!("{}/{}", repo.trim_end_matches('/'), chart.name));
        } else {
            args.extend(["--repo".to_owned(), repo.clone(), chart.name.clone()]);
        }
        if !chart.version.is_empty() {
            args.extend(["--version".to_owned(), chart.version.clone()]);
        }
        if chart.devel {
            args.push("--devel".to_owned());
        }
        self.helm(&args).map(drop)
    }

    /// Writes the values that the chart gets and returns the file's path.
    fn values_file(&self, schema: &Schema) -> Result<String> {
        let chart = &self.chart;
        let text = if chart.values_inline.is_empty() {
            self.loader.load_text(&chart.values_file)?
        } else if chart.values_merge == "replace" {
            yaml::from_json(&Value::Object(chart.values_inline.clone()))
        } else {
            let own = parse_one(&self.loader.load_text(&chart.values_file)?)
                .map_err(|e| e.wrap("could not parse values file into rnode"))?
                .unwrap_or_else(Node::map);
            let inline = Node::from_json(&Value::Object(chart.values_inline.clone()));
            let (target, patch) = if chart.values_merge == "merge" { (inline, own) } else { (own, inline) };
            let merged =
                merge(target, patch, schema, Direction::Append).map_err(|e| e.wrap("could not merge values"))?;
            yaml::from_json(&merged.unwrap_or_else(Node::map).to_json()?)
        };
        let file = path::join(&self.temporary.dir, &format!("{}-kustomize-values.yaml", chart.name));
        let written = self.temporary.host.write(&file, text.as_bytes());
        written.map_err(|e| Error::new(e).wrap("failed to write values file"))?;
        Ok(file)
    }

    fn template_args(&self) -> Vec<String> {
        let chart = &self.chart;
        let mut args = vec!["template".to_owned()];
        args.push(if chart.release_name.is_empty() {
            "--generate-name".to_owned()
        } else {
            chart.release_name.clone()
        });
        args.push(path::join(&self.home(), &chart.name));
        let mut with = |flag: &str, value: &str| {
            if !value.is_empty() {
                args.extend([flag.to_owned(), value.to_owned()]);
            }
        };
        with("--namespace", &chart.namespace);
        with("--name-template", &chart.name_template);
        with("-f", &chart.values_file);
        chart.additional_values_files.iter().for_each(|file| with("-f", file));
        chart.api_versions.iter().for_each(|version| with("--api-versions", version));
        with("--kube-version", &chart.kube_version);
        let switches = [
            (chart.include_crds, "--include-crds"),
            (chart.skip_tests, "--skip-tests"),
            (chart.skip_hooks, "--no-hooks"),
            (chart.debug, "--debug"),
            (chart.devel, "--devel"),
        ];
        args.extend(switches.iter().filter(|(on, _)| *on).map(|(_, flag)| (*flag).to_owned()));
        args
    }
}
