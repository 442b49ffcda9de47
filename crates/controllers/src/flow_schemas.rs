//! Flow schemas tell whether the priority level that they name exists.

use crate::api;
use crate::follow::{self, Change};
use http::Method;
use kube::Client;
use object::{Value, View, json};

const SCHEMAS: &str = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas";
const LEVELS: &str = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations";
const DANGLING: &str = "Dangling";
/// Who owns the condition.
const MANAGER: &str = "api-priority-and-fairness-config-consumer-v1";

pub(crate) async fn run(client: Client) {
    let client = &client;
    tokio::join!(
        follow::each(client, SCHEMAS, |change| async move {
            match change {
                Change::Put(schema) => refresh(client, &schema).await,
                Change::Gone(_) => Ok(()),
            }
        }),
        follow::each(client, LEVELS, |change| async move {
            let (Change::Put(level) | Change::Gone(level)) = change;
            refresh_users(client, View::from(&level).get("metadata").str("name")).await
        }),
    );
}

/// Looks again at the schemas that name a level.
async fn refresh_users(client: &Client, level: &str) -> Result<(), kube::Error> {
    let list = api::send(client, Method::GET, SCHEMAS, &Value::Null).await?;
    for schema in View::from(&list).get("items").as_slice().iter().filter(|schema| level_of(schema) == level) {
        refresh(client, schema).await?;
    }
    Ok(())
}

fn level_of(schema: &Value) -> &str {
    View::from(schema).at(&["spec", "priorityLevelConfiguration"]).str("name")
}

async fn refresh(client: &Client, schema: &Value) -> Result<(), kube::Error> {
    let level = level_of(schema);
    let exists = api::find(client, &format!("{LEVELS}/{level}")).await?.is_some();
    let (status, reason, message) = if exists {
        (
            "False",
            "Found",
            format!("This FlowSchema references the PriorityLevelConfiguration object named {level:?} and it exists"),
        )
    } else {
        (
            "True",
            "NotFound",
            format!(
                "This FlowSchema references the PriorityLevelConfiguration object named {level:?} but there is no such object"
            ),
        )
    };
    let conditions = View::from(schema).at(&["status", "conditions"]);
    let known = conditions.items().find(|condition| condition.str("type") == DANGLING);
    if known.is_some_and(|condition| condition.str("status") == status && condition.str("reason") == reason) {
        return Ok(());
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let condition = json!({
        "type": DANGLING, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": object::time::format_seconds(i64::try_from(now).unwrap_or(i64::MAX)),
    });
    let name = View::from(schema).get("metadata").str("name");
    let applied = json!({
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema",
        "metadata": {"name": name}, "status": {"conditions": [condition]},
    });
    let path = format!("{SCHEMAS}/{name}/status?fieldManager={MANAGER}&force=true");
    match api::send_as(client, Method::PATCH, &path, "application/apply-patch+yaml", &applied).await {
        Err(error) if matches!(api::code(&error), 404 | 409) => Ok(()),
        done => done.map(drop),
    }
}
