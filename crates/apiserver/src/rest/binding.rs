//! Binding a pod to a node: `pods/NAME/binding`, and the older `bindings`.

use super::call::Call;
use super::options::WriteOptions;
use super::{answer, decode, metadata, write};
use crate::admission::{Attributes, Operation};
use crate::http::Body;
use ::http::Response;
use bytes::Bytes;
use object::status::GroupResource;
use object::{Status, Value, View};

const PODS: GroupResource<'static> = GroupResource { group: "", resource: "pods" };
const BINDING: GroupResource<'static> = GroupResource { group: "", resource: "pods/binding" };
const CONFLICT_TRIES: usize = 16;

/// Answers a POST of a binding. `name` is the path's, if it has one.
pub(crate) async fn bind(call: &Call, name: &str, body: Bytes) -> Result<Response<Body>, Status> {
    let options = WriteOptions::parse(call, "CreateOptions", false)?;
    let mut binding = decode::body(call, &body, options.field_validation)?;
    metadata::match_namespace(&mut binding, &call.info.namespace)?;
    let own = View::from(&binding).get("metadata").str("name").to_owned();
    if !name.is_empty() && own != name {
        return Err(Status::bad_request("name in URL does not match name in Binding object"));
    }
    check_form(View::from(&binding))?;
    let attributes = Attributes::new(call, Operation::Create, &own, options.dry_run);
    call.core.admission.admit(&attributes, &mut binding, None).await?;
    call.core.admission.validate(&attributes, &binding, None).await?;
    assign(call, &own, &binding, &options).await?;
    Ok(answer::success(call, 201))
}

/// What is wrong with a binding is told without saying what it is wrong with.
fn check_form(binding: View<'_>) -> Result<(), Status> {
    let faults: Vec<String> = kinds::validate_binding(binding).iter().map(ToString::to_string).collect();
    match &faults[..] {
        [] => Ok(()),
        [one] => Err(Status::plain(500, "", one.clone())),
        many => Err(Status::plain(500, "", format!("[{}]", many.join(", ")))),
    }
}

/// Writes the node into the pod.
async fn assign(call: &Call, name: &str, binding: &Value, options: &WriteOptions) -> Result<(), Status> {
    let pods = call.about_pods()?;
    for _ in 0..CONFLICT_TRIES {
        if name.is_empty() {
            return Err(Status::bad_request("Name parameter required."));
        }
        let current = pods.named(name).ok_or_else(|| Status::not_found(PODS, name))?;
        let mut pod = decode::stored(&pods, &current)?;
        check(call, binding, View::from(&pod), name)?;
        let refused = kinds::bind(&mut pod, View::from(binding), &call.core.now_text());
        refused.map_err(|why| Status::conflict(BINDING, name, why))?;
        match write::replace(&pods, pod, &current, false, options.dry_run).await {
            Err(status) if status.reason == "Conflict" => continue,
            done => return done.map(drop),
        }
    }
    Err(Status::conflict(BINDING, name, "too many others write the pod"))
}

fn check(call: &Call, binding: &Value, pod: View<'_>, name: &str) -> Result<(), Status> {
    let (wanted, is) = (View::from(binding).get("metadata"), pod.get("metadata"));
    for (field, shown) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
        let (wanted, is) = (wanted.str(field), is.str(field));
        if !wanted.is_empty() && wanted != is {
            let key = write::key_in_messages(call, "pods", name);
            return Err(Status::conflict(PODS, name, write::differs(&key, shown, wanted, is)));
        }
    }
    Ok(())
}
