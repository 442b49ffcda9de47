//! Operators from their real charts: `hakata helm install` puts them into a server as they are, and their custom
//! resources are validated, by our own verbs and by kubectl's.

use crate::program::{Program, Serving, hakata, programs};
use std::path::{Path, PathBuf};

/// A chart, what is set, and custom resources of its: good ones, and bad ones with what is said of them.
struct Case {
    chart: &'static str,
    set: &'static [&'static str],
    good: &'static [&'static str],
    bad: &'static [(&'static str, &'static str)],
}

const ISSUER: &str = "{apiVersion: cert-manager.io/v1, kind: Issuer, metadata: {name: own}, spec: {selfSigned: {}}}";
const CERTIFICATE: &str = "{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: c}, spec: {secretName: s, \
                           dnsNames: [a.example], issuerRef: {name: own}, privateKey: {algorithm: ECDSA, size: 256}}}";
const BAD_CERTIFICATES: &[(&str, &str)] = &[
    (
        "{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: b}, spec: {issuerRef: {name: own}}}",
        "spec.secretName: Required value",
    ),
    (
        "{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: b}, spec: {secretName: s, issuerRef: {name: \
         own}, privateKey: {algorithm: DSA}}}",
        "supported values: \"RSA\", \"ECDSA\", \"Ed25519\"",
    ),
    (
        "{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: b}, spec: {secretName: s, issuerRef: {name: \
         own}, dnsName: a.example}}",
        "unknown field \"spec.dnsName\"",
    ),
];

const CASES: &[Case] = &[
    Case {
        chart: "cert-manager__deploy_charts_cert-manager",
        set: &["crds.enabled=true", "startupapicheck.enabled=false"],
        good: &[ISSUER, CERTIFICATE],
        bad: BAD_CERTIFICATES,
    },
    Case {
        chart: "bitnami__bitnami_cert-manager",
        set: &["installCRDs=true"],
        good: &[ISSUER, CERTIFICATE],
        bad: BAD_CERTIFICATES,
    },
    Case {
        chart: "bitnami__bitnami_grafana-operator",
        set: &[],
        good: &[
            "{apiVersion: grafana.integreatly.org/v1beta1, kind: GrafanaFolder, metadata: {name: f}, spec: {instanceSelector: \
              {matchLabels: {a: b}}, title: t}}",
        ],
        bad: &[(
            "{apiVersion: grafana.integreatly.org/v1beta1, kind: GrafanaFolder, metadata: {name: g}, spec: {title: t}}",
            "spec.instanceSelector: Required value",
        )],
    },
    Case {
        chart: "bitnami__bitnami_minio-operator",
        set: &[],
        good: &[
            "{apiVersion: minio.min.io/v2, kind: Tenant, metadata: {name: t}, spec: {pools: [{name: p, servers: 4, \
              volumesPerServer: 1, volumeClaimTemplate: {metadata: {name: data}}}]}}",
        ],
        bad: &[(
            "{apiVersion: minio.min.io/v2, kind: Tenant, metadata: {name: u}, spec: {pools: [{name: p, servers: four, \
             volumesPerServer: 1, volumeClaimTemplate: {}}]}}",
            "spec.pools[0].servers: Invalid value: \"string\"",
        )],
    },
    Case {
        chart: "grafana__charts_rollout-operator",
        set: &[],
        good: &[
            "{apiVersion: rollout-operator.grafana.com/v1, kind: ZoneAwarePodDisruptionBudget, metadata: {name: b}, spec: \
              {maxUnavailable: 1, selector: {matchLabels: {a: b}}}}",
        ],
        bad: &[(
            "{apiVersion: rollout-operator.grafana.com/v1, kind: ZoneAwarePodDisruptionBudget, metadata: {name: c}, spec: \
             {maxUnavailable: -1, selector: {matchLabels: {a: b}}}}",
            "spec.maxUnavailable: Invalid value: -1: spec.maxUnavailable in body should be greater than or equal to 0",
        )],
    },
    Case { chart: "bitnami__bitnami_flink", set: &[], good: &[], bad: &[] },
    // Its definitions are older than the oldest version of definitions that is served, here and elsewhere.
    Case { chart: "helm__incubator_sparkoperator", set: &["installCrds=false"], good: &[], bad: &[] },
];

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("HAKATA_CORPORA").map(|corpora| Path::new(&corpora).join("helm"));
    let folder = folder.filter(|folder| folder.is_dir());
    if folder.is_none() {
        println!("SKIPPED: it needs charts of operators; name their folder with HAKATA_CORPORA");
    }
    folder
}

#[test]
fn operators_install_from_their_charts_and_their_resources_are_validated() {
    let Some(corpus) = corpus() else { return };
    for case in CASES {
        let folder = tempfile::tempdir().unwrap();
        let serving = Serving::start(folder.path(), &["--no-node"]);
        let kubeconfig = folder.path().join("kubeconfig");
        install(&corpus, case, &kubeconfig);
        let programs = programs(&kubeconfig);
        for program in &programs {
            resources(program, case);
        }
        assert_eq!(serving.terminate(), Some(0));
    }
}

/// Installs a chart with all that it brings, and looks whether all of it is there.
#[track_caller]
fn install(corpus: &Path, case: &Case, kubeconfig: &Path) {
    let (chart, kubeconfig) = (corpus.join(case.chart).join("chart"), kubeconfig.to_str().unwrap());
    let mut words = vec!["helm", "install", "own", chart.to_str().unwrap(), "--kubeconfig", kubeconfig];
    words.extend(["--namespace", "operators", "--create-namespace"]);
    case.set.iter().for_each(|set| words.extend(["--set", set]));
    let (code, out, errors) = hakata(&words);
    assert_eq!(code, Some(0), "{}: {out}{errors}", case.chart);
    let (code, manifest, errors) =
        hakata(&["helm", "get", "manifest", "own", "-n", "operators", "--kubeconfig", kubeconfig]);
    assert_eq!(code, Some(0), "{errors}");
    let file = Path::new(kubeconfig).with_file_name("manifest.yaml");
    std::fs::write(&file, manifest).unwrap();
    let get = ["get", "-f", file.to_str().unwrap(), "-n", "operators", "-o", "name", "--kubeconfig", kubeconfig];
    let (code, out, errors) = hakata(&get);
    assert!(code == Some(0) && out.contains("deployment.apps/"), "{}: {out}{errors}", case.chart);
}

/// Makes the good ones, which bad ones are not. Nobody runs the operator's webhooks here, so they are taken away first.
#[track_caller]
fn resources(program: &Program, case: &Case) {
    let hooks = "delete validatingwebhookconfigurations,mutatingwebhookconfigurations --all";
    program.run(hooks, "");
    for good in case.good {
        let answer = program.run("apply -f - -n operators", good);
        assert_eq!(answer.code, Some(0), "{} {}: {}{}", program.name(), case.chart, answer.out, answer.errors);
    }
    for (bad, want) in case.bad {
        let answer = program.run("create --validate=strict -f - -n operators", bad);
        assert_eq!(answer.code, Some(1), "{} {}: {}", program.name(), case.chart, answer.out);
        assert!(answer.errors.contains(want), "{} {}: {}", program.name(), case.chart, answer.errors);
    }
}
