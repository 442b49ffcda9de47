//! Which devices a request wants, in CEL over `device`.

use cel::{Checked, Env, Type};
use object::field::{Error, Errors, Path};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const LONGEST: usize = 10 * 1024;
/// Most that a selector may be estimated to cost.
const LIMIT: u64 = 1_000_000;
/// Most attributes or capacities of a device.
const MOST_NAMED: u64 = 32;
const LONGEST_DOMAIN: u64 = 63;
const LONGEST_NAME: u64 = 32;
const LONGEST_VALUE: u64 = 64;

static DEVICE: LazyLock<Env> = LazyLock::new(|| {
    let named = |value: Type| Type::map(Type::Str, Type::map(Type::Str, value));
    let fields = [
        ("driver", Type::Str),
        ("allowMultipleAllocations", Type::Bool),
        ("attributes", named(Type::Dyn)),
        ("capacity", named(Type::object("kubernetes.Quantity"))),
    ];
    let fields: BTreeMap<String, Type> = fields.into_iter().map(|(name, of)| (name.to_owned(), of)).collect();
    let env = Env::new().with_bindings().with_variable("device", Type::object("kubernetes.DRADevice"));
    env.with_struct("kubernetes.DRADevice", fields)
});

/// Validates a selector.
pub(super) fn validate(expression: &str, path: &Path<'_>, errors: &mut Errors) {
    if expression.len() > LONGEST {
        errors.push(Error::too_long(path, i64::try_from(LONGEST).unwrap_or(i64::MAX)));
        return;
    }
    match check(expression) {
        Err(why) => errors.push(Error::invalid(path, expression, why)),
        Ok(checked) if checked.estimate_with(&size) > LIMIT => {
            errors.push(Error::forbidden(path, "too complex, exceeds cost limit"));
        }
        Ok(_) => {}
    }
}

fn check(expression: &str) -> Result<Checked, String> {
    let checked = DEVICE.compile(expression).map_err(|issues| format!("compilation failed: {issues}"))?;
    if !matches!(checked.output(), Type::Bool | Type::Dyn) {
        return Err(format!("must evaluate to bool or the unknown type, not {}", checked.output()));
    }
    match checked.program() {
        Ok(_) => Ok(checked),
        Err(fault) => Err(format!("program instantiation failed: {fault}")),
    }
}

/// How large what is at a path can be.
fn size(path: &[String]) -> Option<u64> {
    let steps: Vec<&str> = path.iter().map(String::as_str).collect();
    match steps.as_slice() {
        ["device"] => Some(0),
        ["device", "driver"] => Some(LONGEST_DOMAIN),
        ["device", "allowMultipleAllocations"] => Some(1),
        ["device", "attributes" | "capacity"] => Some(MOST_NAMED),
        ["device", "attributes" | "capacity", "@keys"] => Some(LONGEST_DOMAIN),
        ["device", "attributes" | "capacity", "@items" | "@values"] => Some(MOST_NAMED),
        ["device", "attributes" | "capacity", "@items" | "@values", "@keys"] => Some(LONGEST_NAME),
        ["device", "capacity", "@items" | "@values", "@items" | "@values"] => Some(0),
        // Attributes are of one size, whatever they are called.
        ["device", "attributes", "@items" | "@values", _] => Some(LONGEST_VALUE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn told(expression: &str) -> Vec<String> {
        let mut errors = Errors::new();
        validate(expression, &Path::new("cel"), &mut errors);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn selectors_ask_for_what_devices_have() {
        for fine in [
            "device.driver == 'dra.example.com' && device.attributes['dra.example.com'].model == 'LATEST'",
            "device.attributes['dra.example.com'].isShared",
            "device.capacity['dra.example.com'].memory.isGreaterThan(quantity('10Gi'))",
            "cel.bind(dra, device.attributes['dra.example.com'], dra.one && dra.another)",
            "device.attributes['dra.example.com'].version.isGreaterThan(semver('0.0.1'))",
            "!device.allowMultipleAllocations && device.attributes['a'].name.startsWith(device.attributes['b'].name)",
        ] {
            assert_eq!(told(fine), Vec::<String>::new(), "{fine}");
        }
    }

    #[test]
    fn what_means_nothing_or_too_much_is_refused() {
        assert_eq!(told("1"), ["cel: Invalid value: \"1\": must evaluate to bool or the unknown type, not int"]);
        assert_eq!(
            told("device.name == ''"),
            ["cel: Invalid value: \"device.name == ''\": compilation failed: ERROR: <input>:1:7: undefined field \
              'name'\n | device.name == ''\n | ......^"]
        );
        assert!(told("device.capacity['x'].y > 1")[0].contains("found no matching overload for '_>_'"));
        let ten = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]";
        let deep = (0..7).rev().fold("true".to_owned(), |inner, depth| format!("{ten}.all(x{depth}, {inner})"));
        assert_eq!(told(&deep), ["cel: Forbidden: too complex, exceeds cost limit"]);
        assert_eq!(told(&"x".repeat(LONGEST + 1)), ["cel: Too long: may not be more than 10240 bytes"]);
    }

    /// Costs that the reference implementation estimates.
    #[test]
    fn costs_are_estimated_as_upstream_does() {
        let attribute = "device.attributes['dra.example.com']";
        for (expression, cost) in [
            ("device.driver == ''".to_owned(), 2),
            ("device.driver == 'dra.example.com'".to_owned(), 4),
            ("'dra.example.com' in device.attributes".to_owned(), 3),
            (format!("{attribute}.name"), 4),
            (format!("{attribute}['name']"), 4),
            (format!("{attribute}.name == 'fish'"), 5),
            (format!("cel.bind(dra, {attribute}, dra.name)"), 15),
            (format!("{attribute}.name.isGreaterThan(semver('0.0.1'))"), 6),
            ("device.capacity['dra.example.com'].name.isGreaterThan(quantity('1Ki'))".to_owned(), 6),
            (format!("{attribute}.services.split('example').size() >= 2"), 19),
            (format!("{attribute}.services.matches('[^a]?sym')"), 18),
            ("device.attributes.exists_one(x, x == 'dra.example.com')".to_owned(), 164),
            (format!("{attribute}.exists_one(x, x == 'services')"), 133),
            ("device.allowMultipleAllocations == true".to_owned(), 3),
        ] {
            let checked = check(&expression).unwrap();
            assert_eq!(checked.estimate_with(&size), cost, "{expression}");
        }
    }
}
