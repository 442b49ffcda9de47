//! Patches: any patch of any object is applied or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use object::patch::{json as json_patch, merge, strategic};
use object::schema::builtin;
use object::{Value, json};

fuzz_target!(|input: (&[u8], &[u8])| {
    let (Ok((object, _)), Ok((patch, _))) = (json::read(input.0), json::read(input.1)) else { return };
    let text = json::go_text(&object);
    let _ = merge::apply(text.as_bytes(), input.1);
    if let Ok(patch) = json_patch::Patch::decode(input.1) {
        let _ = patch.apply(text.as_bytes());
    }
    let (Value::Object(object), Value::Object(patch)) = (object, patch) else { return };
    for name in ["io.k8s.api.core.v1.Pod", "io.k8s.api.core.v1.Service", "io.k8s.api.core.v1.ConfigMap"] {
        if let Some(ty) = builtin().find(name) {
            let _ = strategic::apply(object.clone(), patch.clone(), builtin(), ty);
        }
    }
});
