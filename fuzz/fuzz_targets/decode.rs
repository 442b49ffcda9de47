//! Bodies of requests: any JSON or protobuf is decoded or refused, and what was decoded stays as it is when it is stored
//! and decoded again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use object::decode::{self, Decoded};
use object::schema::{TypeId, builtin};
use object::{json, protobuf};

const TYPES: [&str; 4] = [
    "io.k8s.api.core.v1.Pod",
    "io.k8s.api.apps.v1.Deployment",
    "io.k8s.api.networking.v1.NetworkPolicy",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
];

fuzz_target!(|input: (u8, &[u8])| {
    let (which, bytes) = input;
    let name = TYPES[usize::from(which) % TYPES.len()];
    let Some(ty) = builtin().find(name) else { return };
    if let Ok(decoded) = decode::decode_text(builtin(), ty, bytes) {
        settles(ty, decoded);
    }
    if let Ok(node) = json::parse(bytes) {
        let _ = decode::sniff(&node);
    }
    if let Ok(envelope) = protobuf::open(bytes) {
        let _ = protobuf::read(builtin(), ty, envelope.raw);
    }
    if let Ok(value) = protobuf::read(builtin(), ty, bytes)
        && let Ok(decoded) = decode::decode(builtin(), ty, value)
    {
        settles(ty, decoded);
    }
});

fn settles(ty: TypeId, decoded: Decoded) {
    let mut stored = decoded.value;
    decode::normalise(builtin(), ty, &mut stored).expect("a decoded object has a form");
    let mut again = stored.clone();
    decode::normalise(builtin(), ty, &mut again).expect("a stored object has a form");
    assert_eq!(again, stored);
    let _ = protobuf::write(builtin(), ty, &stored);
}
