//! What admission costs with policies in CEL: the same dry-run create with none, some and many of them.

use crate::client::Cluster;
use crate::figures::row;
use crate::load::Load;
use crate::objects::{Ask, post};
use crate::server::Server;
use http::Method;
use object::json;
use std::time::Duration;

const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";
/// How many policies there are for each measurement.
const COUNTS: [usize; 3] = [0, 10, 100];
/// Connections that ask.
const WRITERS: usize = 4;

/// Makes policies and measures creates, which are not stored, with ever more of them; then takes them away.
pub(crate) async fn measure(server: &Server, cluster: &Cluster, time: Duration) {
    let mut connection = cluster.connect().await;
    let mut made = 0;
    for count in COUNTS {
        while made < count {
            connection.ask(post(&format!("{GROUP}/validatingadmissionpolicies"), &policy(made))).await;
            connection.ask(post(&format!("{GROUP}/validatingadmissionpolicybindings"), &binding(made))).await;
            made += 1;
        }
        let load = Load { connections: WRITERS, time, count: u64::MAX };
        row(&format!("admission, {count} policies"), load.run(server, cluster, create).await);
    }
    for number in 0..made {
        for resource in ["validatingadmissionpolicybindings", "validatingadmissionpolicies"] {
            let path = format!("{GROUP}/{resource}/bench-{number}");
            connection.ask(Ask { method: Method::DELETE, path, ..Ask::default() }).await;
        }
    }
}

/// A policy such as people write: labels, lengths, and what others of the request are.
fn policy(number: usize) -> object::Value {
    let rules =
        json!([{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]);
    json!({"metadata": {"name": format!("bench-{number}")}, "spec": {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": rules},
        "variables": [{"name": "labels", "expression": "has(object.metadata.labels) ? object.metadata.labels : {}"}],
        "validations": [
            {"expression": "variables.labels.all(key, key.size() < 64)"},
            {"expression": "!has(object.data) || object.data.all(key, object.data[key].size() < 1000)"},
            {"expression": format!("object.metadata.name != 'refused-{number}' && request.operation == 'CREATE'")},
        ],
    }})
}

fn binding(number: usize) -> object::Value {
    let name = format!("bench-{number}");
    json!({"metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}})
}

fn create(number: u64) -> Ask {
    let object = json!({
        "metadata": {"name": format!("config-{number}"), "labels": {"app": "bench", "part": "one"}},
        "data": {"a": "1", "b": "2", "c": "3"},
    });
    post("/api/v1/namespaces/default/configmaps?dryRun=All", &object)
}
