//! Expressions: any text is read, checked, estimated and evaluated, or refused; nothing takes for ever.
#![no_main]

use cel::{Activation, Env, Type, Val};
use libfuzzer_sys::fuzz_target;
use object::json;

fuzz_target!(|input: (&str, &[u8])| {
    let Ok((object, _)) = json::read(input.1) else { return };
    let env = Env::new().with_variable("object", Type::Dyn).with_variable("n", Type::Int).with_mutations();
    let Ok(checked) = env.compile(input.0) else { return };
    let Ok(program) = checked.program() else { return };
    let values = [Val::of_json(&object), Val::Int(7)];
    if let Ok(value) = program.evaluate(Activation { values: &values, variables: None }).value {
        let _ = value.to_json();
    }
});
