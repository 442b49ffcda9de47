//! What layers say, which one wins, and the errors.

use super::*;

fn parse(text: &str) -> Result<Settings, SettingsError> {
    Settings::parse(text, Path::new("server.yaml"))
}

#[track_caller]
fn check_error(text: &str, want: &str) {
    assert_eq!(parse(text).expect_err("the file is wrong").to_string(), want);
}

#[test]
fn a_file_may_say_everything() {
    let text = "cluster-cidr: 10.1.0.0/16\ndata-dir: /d\nlisten: 127.0.0.1:1\nname: team\nno-node: true\nnode-name: m\n\
                service-cidr: 10.2.0.0/20\nshutdown-grace: 3\ntls-san: [a, b]\ntoken-auth-file: t\n\
                write-kubeconfig: k\n";
    let settings = parse(text).unwrap();
    assert_eq!(settings.data_dir.as_deref(), Some(Path::new("/d")));
    assert_eq!((settings.no_node, settings.node_name.as_deref()), (Some(true), Some("m")));
    let config = settings.config().unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:1");
    assert_eq!((config.place.name(), &config.node), ("team", &None));
    assert_eq!(config.grace, Duration::from_secs(3));
    assert_eq!(config.tls_names, ["a", "b"]);
    assert_eq!(
        (config.cluster_cidr.to_string(), config.service_cidr.to_string()),
        ("10.1.0.0/16".into(), "10.2.0.0/20".into())
    );
    assert_eq!(config.token_auth_file.as_deref(), Some(Path::new("t")));
    assert_eq!(config.write_kubeconfig.as_deref(), Some(Path::new("k")));
}

#[test]
fn an_empty_file_says_nothing() {
    assert_eq!(parse("# nothing\n").unwrap(), Settings::default());
}

#[test]
fn upper_layers_win() {
    let flags = Settings { shutdown_grace: Some(1), ..Settings::default() };
    let file = parse("shutdown-grace: 2\nlisten: 127.0.0.1:2").unwrap();
    let environment = |name: &str| match name {
        "HAKATA_SHUTDOWN_GRACE" => Some("3".to_owned()),
        "HAKATA_LISTEN" => Some("127.0.0.1:3".to_owned()),
        "HAKATA_TLS_SAN" => Some("x, y".to_owned()),
        _ => None,
    };
    let config = flags.over(file).over(Settings::from_env(environment).unwrap()).config().unwrap();
    assert_eq!(config.grace, Duration::from_secs(1));
    assert_eq!(config.listen.to_string(), "127.0.0.1:2");
    assert_eq!(config.tls_names, ["x", "y"]);
    assert_eq!(config.data_dir, Path::new("/var/lib/hakata/hakata"));
}

#[test]
fn errors_say_what_is_wrong_and_what_may_be() {
    check_error(
        "listne: x",
        &format!("the config file server.yaml has the unknown key \"listne\"; allowed are {}", allowed()),
    );
    assert!(allowed().starts_with("admission-control-config-file, "));
    assert!(allowed().contains(", listen, ") && allowed().contains(", no-node, "));
    check_error(
        "listen: here",
        "listen in the config file server.yaml is \"here\", but has to be an address and a port, such as 127.0.0.1:6443",
    );
    check_error("[1]", "the config file server.yaml does not hold keys and values, such as `listen: 127.0.0.1:6443`");
    check_error("a: b: c", "cannot read the config file server.yaml");
}

#[test]
fn guards_are_set_like_everything_else() {
    let file = parse("admission-control-config-file: a").unwrap();
    let environment = |name: &str| (name == "HAKATA_ADMISSION_CONTROL_CONFIG_FILE").then(|| "b".to_owned());
    let environment = Settings::from_env(environment).unwrap();
    let admission = |settings: Settings| settings.config().unwrap().guard.admission;
    assert_eq!(admission(environment.clone()).as_deref(), Some(Path::new("b")));
    assert_eq!(admission(file.over(environment)).as_deref(), Some(Path::new("a")));
    check_error(
        "admission-control-config-file: 1",
        "admission-control-config-file in the config file server.yaml is 1, but has to be a file",
    );
}

#[test]
fn a_bad_variable_is_named() {
    let error = Settings::from_env(|name| (name == "HAKATA_NO_NODE").then(|| "maybe".to_owned())).unwrap_err();
    assert_eq!(error.to_string(), "HAKATA_NO_NODE is \"maybe\", but has to be true or false");
}
