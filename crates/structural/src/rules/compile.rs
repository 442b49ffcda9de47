//! What the rules of one node of a schema mean.

use super::Rule;
use cel::{Checked, Decl, Env, Program, Type};
use std::collections::BTreeMap;

/// An expression that means something.
#[derive(Debug)]
pub struct Expression {
    /// To evaluate it.
    pub program: Program,
    /// The most it can cost.
    pub max_cost: u64,
}

/// What one rule means.
#[derive(Debug, Default)]
pub struct Compiled {
    /// What has to hold, or why it means nothing; nothing for an empty rule.
    pub rule: Option<Result<Expression, String>>,
    /// What makes the message, or why it means nothing.
    pub message: Option<Result<Expression, String>>,
    /// Whether the old value is spoken of.
    pub uses_old_self: bool,
}

/// Compiles rules about a declared value, whose objects have names (see [`Decl::assign_names`]).
pub fn compile(rules: &[Rule], decl: &Decl) -> Vec<Compiled> {
    let mut structs: Vec<(String, BTreeMap<String, Type>)> = Vec::new();
    decl.structs(&mut structs);
    let env = structs.into_iter().fold(Env::new(), |env, (name, fields)| env.with_struct(&name, fields));
    let with = |old: Type| env.clone().with_variable("self", decl.to_type()).with_variable("oldSelf", old);
    let (plain, optional) = (with(decl.to_type()), with(Type::optional(decl.to_type())));
    let compiled = |rule: &Rule| {
        let env = if rule.optional_old_self == Some(true) { &optional } else { &plain };
        compile_rule(rule, env, decl)
    };
    rules.iter().map(compiled).collect()
}

fn compile_rule(rule: &Rule, env: &Env, decl: &Decl) -> Compiled {
    if rule.rule.trim().is_empty() {
        return Compiled::default();
    }
    let checked = match env.compile(&rule.rule) {
        Ok(checked) if *checked.output() == Type::Bool => checked,
        Ok(_) => return refused("cel expression must evaluate to a bool".to_owned()),
        Err(issues) => return refused(format!("compilation failed: {issues}")),
    };
    let uses_old_self = checked.uses("oldSelf");
    let compiled = expression(&checked, decl, "program instantiation failed");
    let ready = compiled.is_ok();
    let message = (ready && !rule.message_expression.is_empty()).then(|| message(rule, env, decl));
    Compiled { rule: Some(compiled), message, uses_old_self }
}

fn refused(why: String) -> Compiled {
    Compiled { rule: Some(Err(why)), ..Compiled::default() }
}

fn message(rule: &Rule, env: &Env, decl: &Decl) -> Result<Expression, String> {
    let checked = env.compile(&rule.message_expression);
    let checked = checked.map_err(|issues| format!("messageExpression compilation failed: {issues}"))?;
    if *checked.output() != Type::Str {
        return Err("messageExpression must evaluate to a string".to_owned());
    }
    expression(&checked, decl, "messageExpression instantiation failed")
}

fn expression(checked: &Checked, decl: &Decl, failed: &str) -> Result<Expression, String> {
    let program = checked.program().map_err(|fault| format!("{failed}: {fault}"))?;
    Ok(Expression { program, max_cost: checked.estimate(decl) })
}
