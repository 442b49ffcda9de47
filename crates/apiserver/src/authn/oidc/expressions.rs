//! Expressions over what a token claims, and over the user that comes of it.

use cel::{Activation, Checked, Env, Program, Type, Val};
use object::{Map, Value, View};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const NO_TEXTS: &str = "expression must return a string or a list of strings";

/// A rule that has to hold, or a token is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What has to hold.
    pub expression: String,
    /// What is told where it does not.
    pub message: String,
}

/// An expression, ready to be evaluated.
pub(super) struct Expression {
    source: String,
    program: Program,
}

/// Rules, ready to be evaluated.
pub(super) struct Rules(Vec<(Expression, String)>);

static CLAIMS: LazyLock<Env> =
    LazyLock::new(|| Env::new().with_variable("claims", Type::map(Type::Str, Type::Dyn)).with_escaped_fields());

static USER: LazyLock<Env> = LazyLock::new(|| {
    let texts = || Type::list(Type::Str);
    let fields =
        [("username", Type::Str), ("uid", Type::Str), ("groups", texts()), ("extra", Type::map(Type::Str, texts()))];
    let fields: BTreeMap<String, Type> = fields.into_iter().map(|(name, of)| (name.to_owned(), of)).collect();
    let env = Env::new().with_variable("user", Type::object("kubernetes.UserInfo"));
    env.with_struct("kubernetes.UserInfo", fields).with_escaped_fields()
});

/// Checks an expression over `claims`, which must give one of these types; any if none is named.
///
/// # Errors
/// In upstream's words.
pub(crate) fn check_claims(text: &str, wanted: &[Type]) -> Result<Checked, String> {
    check(&CLAIMS, text, wanted)
}

/// Checks a rule over `user`.
///
/// # Errors
/// In upstream's words.
pub(crate) fn check_user(text: &str) -> Result<Checked, String> {
    check(&USER, text, &[Type::Bool])
}

fn check(env: &Env, text: &str, wanted: &[Type]) -> Result<Checked, String> {
    let checked = env.compile(text).map_err(|issues| format!("compilation failed: {issues}"))?;
    match wanted {
        [only] if only != checked.output() => Err(format!("must evaluate to {only}")),
        _ => Ok(checked),
    }
}

/// Claims as expressions see them: every number is a floating point.
pub(super) fn seen(claims: &Value) -> Value {
    match claims {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(items) => items.iter().map(seen).collect(),
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), seen(value))).collect::<Map>().into(),
        other => other.clone(),
    }
}

impl Expression {
    pub(super) fn over_claims(text: &str, wanted: &[Type]) -> Result<Expression, String> {
        Expression::ready(text, &check_claims(text, wanted)?)
    }

    fn ready(text: &str, checked: &Checked) -> Result<Expression, String> {
        let program = checked.program().map_err(|fault| format!("program instantiation failed: {fault}"))?;
        Ok(Expression { source: text.to_owned(), program })
    }

    /// How it is written.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    fn evaluate<'a>(&self, over: View<'a>) -> Result<Val<'a>, String> {
        let value = over.value().map_or(Val::Null, Val::of_json);
        let evaluated = self.program.evaluate(Activation { values: &[value], variables: None });
        evaluated.value.map_err(|fault| format!("expression '{}' resulted in error: {fault}", self.source))
    }

    /// The text that tells `what`.
    pub(super) fn text(&self, claims: View<'_>, what: &str) -> Result<String, String> {
        let value = self.evaluate(claims).and_then(|value| {
            value.as_str().map(str::to_owned).ok_or_else(|| format!("{what} claim expression must return a string"))
        });
        value.map_err(|why| format!("oidc: error evaluating {what} claim expression: {why}"))
    }

    /// The texts that it tells: one, several, or none. Empty ones do not count.
    pub(super) fn texts(&self, claims: View<'_>) -> Result<Vec<String>, String> {
        let mut texts = match self.evaluate(claims)? {
            Val::Null => Vec::new(),
            Val::Str(text) => vec![text.to_string()],
            Val::List(list) => {
                let items = list.to_vec().map_err(|fault| fault.to_string())?;
                let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
                texts.collect::<Option<Vec<String>>>().ok_or(NO_TEXTS)?
            }
            _ => return Err(NO_TEXTS.to_owned()),
        };
        texts.retain(|text| !text.is_empty());
        Ok(texts)
    }
}

impl Rules {
    /// Rules over `claims`.
    pub(super) fn over_claims(rules: &[Rule]) -> Result<Rules, String> {
        Rules::new(rules, |text| check_claims(text, &[Type::Bool]))
    }

    /// Rules over `user`.
    pub(super) fn over_user(rules: &[Rule]) -> Result<Rules, String> {
        Rules::new(rules, check_user)
    }

    fn new(rules: &[Rule], check: impl Fn(&str) -> Result<Checked, String>) -> Result<Rules, String> {
        let ready = |rule: &Rule| {
            let expression = Expression::ready(&rule.expression, &check(&rule.expression)?)?;
            Ok((expression, rule.message.clone()))
        };
        rules.iter().map(ready).collect::<Result<_, String>>().map(Rules)
    }

    /// # Errors
    /// The first rule that does not hold.
    pub(super) fn hold(&self, over: View<'_>) -> Result<(), String> {
        let values = self.0.iter().map(|(expression, _)| expression.evaluate(over)).collect::<Result<Vec<_>, _>>()?;
        for ((expression, message), value) in self.0.iter().zip(values) {
            match value {
                Val::Bool(true) => {}
                Val::Bool(false) => {
                    return Err(format!("validation expression '{}' failed: {message}", expression.source));
                }
                _ => return Err("validation expression must return a boolean".to_owned()),
            }
        }
        Ok(())
    }
}
