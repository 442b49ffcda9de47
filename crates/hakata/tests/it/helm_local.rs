//! `hakata helm` without a cluster: charts on this machine, plug-ins, and the command line itself.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// A home of its own, and a chart in it.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Home {
        let home = Home(tempfile::tempdir().unwrap());
        home.done(&["create", "web"]);
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn helm(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        self.program(Path::new(env!("CARGO_BIN_EXE_hakata")), &[&["helm"], arguments].concat())
    }

    fn program(&self, program: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path()).env_clear();
        command.env("HOME", self.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let (code, out, errors) = self.helm(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {out}{errors}");
        out
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], want: &str) {
        let (code, out, errors) = self.helm(arguments);
        assert_eq!((code, errors.lines().next()), (Some(1), Some(want)), "{arguments:?}: {out}{errors}");
    }

    fn write(&self, file: &str, text: &str, mode: u32) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
}

#[test]
fn a_new_chart_can_show_its_service_in_every_way() {
    let home = Home::new();
    let kinds = |more: &[&str]| -> Vec<String> {
        let out = home.done(&[&["template", "rel", "web"], more].concat());
        out.lines().filter_map(|line| line.strip_prefix("kind: ")).map(str::to_owned).collect()
    };
    assert_eq!(kinds(&[]), ["ServiceAccount", "Service", "Deployment", "Pod"]);
    for (value, kind) in [
        ("ingress.enabled=true", "Ingress"),
        ("httpRoute.enabled=true", "HTTPRoute"),
        ("autoscaling.enabled=true", "HorizontalPodAutoscaler"),
    ] {
        assert!(kinds(&["--set", value]).iter().any(|made| made == kind), "{value}");
    }
    home.done(&["lint", "web", "--set", "ingress.enabled=true,httpRoute.enabled=true,autoscaling.enabled=true"]);
}

#[test]
fn values_are_shown_by_path() {
    let home = Home::new();
    let show = |path: &str| home.done(&["show", "values", "web", "--jsonpath", path]);
    assert_eq!(show("{.service}{\"\\n\"}"), "{\"port\":80,\"type\":\"ClusterIP\"}\n");
    assert_eq!(show("{.service.port} {.nope}"), "", "what is missing leaves nothing");
    let error = "Error: error parsing jsonpath {.image.tag: unclosed action";
    home.refused(&["show", "values", "web", "--jsonpath", "{.image.tag"], error);
}

#[test]
fn a_chart_is_made_after_a_pattern() {
    let home = Home::new();
    let starter = ".local/share/helm/starters/mine";
    home.write(&format!("{starter}/Chart.yaml"), "apiVersion: v2\nname: mine\nversion: 9.9.9\n", 0o644);
    home.write(&format!("{starter}/values.yaml"), "# of <CHARTNAME>\nname: <CHARTNAME>\n", 0o644);
    home.write(&format!("{starter}/templates/a.yaml"), "a: {{ .Values.name }} # <CHARTNAME>\n", 0o644);
    assert_eq!(home.done(&["create", "new", "--starter", "mine"]), "Creating new\n");
    assert_eq!(std::fs::read_to_string(home.path().join("new/values.yaml")).unwrap(), "# of new\nname: new\n");
    let out = home.done(&["template", "new"]);
    assert!(out.contains("a: new # new\n"), "{out}");
    let about = home.done(&["show", "chart", "new"]);
    assert!(about.contains("name: new\n") && about.contains("version: 0.1.0\n"), "{about}");
}

#[test]
fn plugins_add_commands_and_fetch_charts() {
    let home = Home::new();
    let plugin = "apiVersion: v1\ntype: cli/v1\nname: hello\nversion: 0.1.0\nruntime: subprocess\nconfig: {}\nruntimeConfig:\n  platformCommand: [{command: \"${HELM_PLUGIN_DIR}/run.sh\"}]\n";
    let script = "#!/bin/sh\necho \"$HELM_PLUGIN_NAME in $HELM_NAMESPACE: $*\"\n\"$HELM_BIN\" version --short\n[ \"$1\" != fail ] || exit 3\n";
    home.write("hello/plugin.yaml", plugin, 0o644);
    home.write("hello/run.sh", script, 0o755);
    let old = "name: files\nversion: 0.2.0\ncommand: x\ndownloaders: [{command: get.sh, protocols: [local]}]\n";
    home.write("files/plugin.yaml", old, 0o644);
    home.write("files/get.sh", "#!/bin/sh\ncat \"/${4#local://}\"\n", 0o755);
    let out = home.done(&["plugin", "install", "hello"]);
    assert_eq!(out, "Installing plugin from local directory (development mode)\nInstalled plugin: hello\n");
    home.done(&["plugin", "install", "files"]);
    home.refused(&["plugin", "install", "hello"], "Error: plugin already exists");
    let list = home.done(&["plugin", "list"]);
    assert!(list.contains("hello\t0.1.0  \tcli/v1   \tv1        \tlocal dev \tunknown"), "{list}");

    let out = home.done(&["hello", "-n", "shop", "one", "--two"]);
    assert_eq!(out, "hello in shop: one --two\nv4.2.3+g43e8b7f\n");
    let (code, _, errors) = home.helm(&["hello", "fail"]);
    assert_eq!((code, errors.as_str()), (Some(3), "Error: plugin \"hello\" exited with error\n"));

    home.done(&["package", "web"]);
    let archive = home.path().join("web-0.1.0.tgz");
    let url = format!("local://{}", archive.display());
    assert!(home.done(&["template", &url]).contains("kind: Deployment"));
    home.refused(&["pull", "other://x/y.tgz"], "Error: scheme \"other\" not supported");

    assert_eq!(home.done(&["plugin", "uninstall", "hello"]), "Uninstalled plugin: hello\n");
    home.refused(&["hello"], "Error: unknown command \"hello\" for \"helm\"");
    assert!(home.path().join("hello/run.sh").is_file(), "the folder stays");
}

#[test]
fn under_helms_name_the_program_is_helm() {
    let home = Home::new();
    let link = home.path().join("helm");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_hakata"), &link).unwrap();
    let (code, out, errors) = home.program(&link, &["-n", "shop", "template", "web", "--skip-tests=true"]);
    assert!(code == Some(0) && out.contains("name: release-name-web"), "{out}{errors}");
    let (code, _, errors) = home.program(&link, &["template", "web", "--no-such-flag"]);
    assert_eq!((code, errors.as_str()), (Some(1), "Error: unknown flag: --no-such-flag\n"));
}

#[test]
fn shells_learn_the_command_line() {
    let home = Home::new();
    for (shell, want) in [
        ("bash", "_hakata()"),
        ("zsh", "#compdef hakata"),
        ("fish", "complete -c hakata"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = home.done(&["completion", shell]);
        assert!(script.contains(want) && script.contains("rollback"), "{shell}");
    }
}

#[test]
fn plugins_are_packed_and_come_from_archives_and_from_git() {
    let home = Home::new();
    let plugin = "apiVersion: v1\ntype: cli/v1\nname: hello\nversion: 1.0.0\nruntime: subprocess\nconfig: {}\nruntimeConfig:\n  platformCommand: [{command: \"${HELM_PLUGIN_DIR}/run.sh\"}]\n";
    home.write("hello/plugin.yaml", plugin, 0o644);
    home.write("hello/run.sh", "#!/bin/sh\necho hi\n", 0o755);
    let out = home.done(&["plugin", "package", "hello", "--sign=false"]);
    assert!(out.ends_with("Successfully packaged plugin and saved it to: ./hello-1.0.0.tgz\n"), "{out}");
    home.refused(
        &["plugin", "install", "hello-1.0.0.tgz"],
        "Error: plugin verification failed: no provenance file (.prov) found",
    );
    let out = home.done(&["plugin", "install", "hello-1.0.0.tgz", "--verify=false"]);
    assert_eq!(out, "WARNING: Skipping plugin signature verification\nInstalled plugin: hello\n");
    assert_eq!(home.done(&["hello"]), "hi\n");
    assert!(home.done(&["plugin", "list"]).contains("unsigned"));
    home.done(&["plugin", "uninstall", "hello"]);

    let git = |arguments: &[&str]| {
        let who = ["-C", "hello", "-c", "user.name=n", "-c", "user.email=e@example.com"];
        let (code, _, errors) = home.program(Path::new("git"), &[&who[..], arguments].concat());
        assert_eq!(code, Some(0), "{errors}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "one"]);
    git(&["tag", "v1.0.0"]);
    home.write("hello/plugin.yaml", &plugin.replace("1.0.0", "2.0.0"), 0o644);
    git(&["commit", "--quiet", "--all", "--message", "two"]);
    git(&["tag", "v2.0.0"]);
    let url = format!("file://{}", home.path().join("hello").display());
    home.refused(
        &["plugin", "install", &url],
        "Error: plugin source does not support verification. Use --verify=false to skip verification",
    );
    home.done(&["plugin", "install", &url, "--verify=false", "--version", "^1"]);
    assert!(home.done(&["plugin", "list"]).contains("1.0.0"));
    home.done(&["plugin", "uninstall", "hello"]);
    home.done(&["plugin", "install", &url, "--verify=false"]);
    home.write("hello/run.sh", "#!/bin/sh\necho hi again\n", 0o755);
    git(&["commit", "--quiet", "--all", "--message", "three"]);
    assert_eq!(home.done(&["plugin", "update", "hello"]), "Updated plugin: hello\n");
    assert_eq!(home.done(&["hello"]), "hi again\n");
}

#[test]
fn lint_goes_on_where_templates_would_stop_and_says_so() {
    let home = Home::new();
    let text = "{{ required \"a is needed\" .Values.a }}{{ required \"b\" \"\" }}{{ fail \"no way\" }}\n";
    home.write("web/templates/x.yaml", text, 0o644);
    let (code, out, errors) = home.helm(&["lint", "web"]);
    assert_eq!(code, Some(0), "{out}{errors}");
    assert_eq!(
        errors,
        "level=WARN msg=\"missing required value\" message=\"a is needed\"\nlevel=WARN msg=\"missing required values\" message=b\nlevel=INFO msg=\"funcMap fail\" message=\"no way\"\n"
    );
}

#[test]
fn archives_are_examined_and_what_is_wrong_is_said_as_helm_says_it() {
    let home = Home::new();
    home.done(&["package", "web"]);
    let folder = home.done(&["lint", "web"]).replace("web\n", "web-0.1.0.tgz\n");
    assert_eq!(home.done(&["lint", "web-0.1.0.tgz"]), folder);
    home.refused(&["package"], "Error: need at least one argument, the path to the chart");
    home.refused(&["package", "nope"], "Error: stat nope: no such file or directory");
    home.refused(&["package", "web", "--version", "x"], "Error: invalid semantic version");
    let wanted = "Error: invalid dry-run value (\"x\"). Must be \"none\", \"server\", or \"client\"";
    home.refused(&["template", "web", "--dry-run=x"], wanted);
    let wanted = "Error: invalid dry-run value (\"none\"). Must be \"server\" or \"client\"";
    home.refused(&["template", "web", "--dry-run=none"], wanted);
    let nowhere = ["--kube-apiserver", "http://127.0.0.1:1"];
    let why = "kubernetes cluster unreachable: Get \"http://127.0.0.1:1/version\": dial tcp 127.0.0.1:1: connect: connection refused";
    home.refused(&[&["list"][..], &nowhere].concat(), &format!("Error: {why}"));
    home.refused(&[&["uninstall", "x"][..], &nowhere].concat(), &format!("Error: {why}"));
    home.refused(&[&["upgrade", "x", "web"][..], &nowhere].concat(), &format!("Error: UPGRADE FAILED: {why}"));
    let (_, _, errors) = home.helm(&[&["install", "x", "web"][..], &nowhere].concat());
    assert!(
        errors.ends_with(&format!("Error: INSTALLATION FAILED: cluster reachability check failed: {why}\n")),
        "{errors}"
    );
    let missing = "Error: missing registry client: can't create TLS config for client: can't read CA file: \"nope\": open nope: no such file or directory";
    home.refused(&["pull", "oci://127.0.0.1:1/a", "--ca-file", "nope"], missing);
    home.refused(&["install", "x", "oci://127.0.0.1:1/a", "--ca-file", "nope"], missing);
}

#[test]
fn credential_helpers_keep_what_they_are_given() {
    let home = Home::new();
    let script = "#!/bin/sh\nread line\necho \"$1 $line\" >> \"$HOME/told\"\n";
    home.write("bin/docker-credential-vault", script, 0o755);
    home.write(
        ".config/helm/registry/config.json",
        "{\"credHelpers\": {\"h:1\": \"vault\", \"h:2\": \"none\"}}",
        0o600,
    );
    let path = format!("{}:{}", home.path().join("bin").display(), std::env::var("PATH").unwrap_or_default());
    let logout = |host: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hakata"));
        command.args(["helm", "registry", "logout", host]).env_clear().env("HOME", home.path()).env("PATH", &path);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(logout("h:1"), (Some(0), String::new()));
    assert_eq!(std::fs::read_to_string(home.path().join("told")).unwrap(), "erase h:1\n");
    let missing = "Error: failed to delete the credential for h:2: exec: \"docker-credential-none\": executable file not found in $PATH\n";
    assert_eq!(logout("h:2"), (Some(1), missing.to_owned()));
}
