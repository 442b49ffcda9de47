//! Whether types agree, and what that tells of those that are still to be found out.

use crate::types::Type;

/// What is known of the parameters so far, by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Mapping(Vec<Option<Type>>);

impl Mapping {
    /// A parameter of which nothing is known.
    pub(super) fn fresh(&mut self) -> Type {
        self.0.push(None);
        Type::Param(u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX))
    }

    fn find(&self, of: &Type) -> Option<&Type> {
        match of {
            Type::Param(number) => self.0.get(*number as usize)?.as_ref(),
            _ => None,
        }
    }

    fn set(&mut self, of: &Type, to: Type) {
        if let Type::Param(number) = of
            && let Some(slot) = self.0.get_mut(*number as usize)
        {
            *slot = Some(to);
        }
    }

    /// The type with all that is known put in; what is not becomes `dyn`, if so wanted.
    pub(super) fn substitute(&self, of: &Type, to_dyn: bool) -> Type {
        if let Some(known) = self.find(of) {
            return self.substitute(known, to_dyn);
        }
        match of {
            Type::Param(_) if to_dyn => Type::Dyn,
            Type::List(item) => Type::list(self.substitute(item, to_dyn)),
            Type::Map(pair) => Type::map(self.substitute(&pair.0, to_dyn), self.substitute(&pair.1, to_dyn)),
            Type::Opaque(name, parameters) => {
                let parameters = parameters.iter().map(|parameter| self.substitute(parameter, to_dyn)).collect();
                Type::Opaque(name.clone(), parameters)
            }
            Type::Kind(Some(of)) => Type::Kind(Some(self.substitute(of, to_dyn).into())),
            other => other.clone(),
        }
    }

    /// Whether the one can stand for the other; what follows is noted only if it can.
    pub(super) fn assign(&mut self, a: &Type, b: &Type) -> bool {
        self.assign_all(std::slice::from_ref(a), std::slice::from_ref(b))
    }

    /// The same for several pairs at once.
    pub(super) fn assign_all(&mut self, a: &[Type], b: &[Type]) -> bool {
        if a.len() != b.len() {
            return false;
        }
        let before = self.clone();
        let fits = a.iter().zip(b).all(|(a, b)| self.unify(a, b));
        if !fits {
            *self = before;
        }
        fits
    }

    fn unify(&mut self, a: &Type, b: &Type) -> bool {
        if matches!(b, Type::Param(_)) {
            let (valid, known) = self.stands_for(a, b);
            if valid || known {
                return valid;
            }
        }
        if matches!(a, Type::Param(_)) {
            return self.stands_for(b, a).0;
        }
        match (a, b) {
            (Type::Dyn | Type::Error, _) | (_, Type::Dyn | Type::Error) => true,
            (Type::Null, other) | (other, Type::Null) => nullable(other),
            (Type::Kind(_), Type::Kind(_)) => true,
            (Type::List(a), Type::List(b)) => self.unify(a, b),
            (Type::Map(a), Type::Map(b)) => self.unify(&a.0, &b.0) && self.unify(&a.1, &b.1),
            (Type::Opaque(a, of_a), Type::Opaque(b, of_b)) => {
                a == b && of_a.len() == of_b.len() && of_a.iter().zip(&**of_b).all(|(a, b)| self.unify(a, b))
            }
            _ => a == b,
        }
    }

    /// Whether `parameter` can be `with`, and whether something was known of it.
    fn stands_for(&mut self, with: &Type, parameter: &Type) -> (bool, bool) {
        if with == parameter {
            return (true, true);
        }
        if let Some(known) = self.find(parameter).cloned() {
            if with == &known {
                return (true, true);
            }
            if !self.unify(with, &known) {
                return (false, true);
            }
            let general = most_general(with, &known).clone();
            if !self.occurs(parameter, &general) {
                self.set(parameter, general);
            }
            return (true, true);
        }
        if self.occurs(parameter, with) {
            return (false, false);
        }
        self.set(parameter, with.clone());
        (true, false)
    }

    /// Whether the parameter is part of the type.
    fn occurs(&self, parameter: &Type, within: &Type) -> bool {
        if parameter == within {
            return true;
        }
        match within {
            Type::Param(_) => self.find(within).is_some_and(|known| self.occurs(parameter, known)),
            Type::List(item) => self.occurs(parameter, item),
            Type::Map(pair) => self.occurs(parameter, &pair.0) || self.occurs(parameter, &pair.1),
            Type::Opaque(_, parameters) => parameters.iter().any(|of| self.occurs(parameter, of)),
            Type::Kind(Some(of)) => self.occurs(parameter, of),
            _ => false,
        }
    }
}

fn nullable(of: &Type) -> bool {
    matches!(of, Type::Null | Type::Opaque(..) | Type::Object(_) | Type::Duration | Type::Timestamp)
}

/// The more general of two types that agree.
pub(super) fn most_general<'t>(a: &'t Type, b: &'t Type) -> &'t Type {
    if less_specific(a, b) { a } else { b }
}

fn less_specific(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Dyn | Type::Param(_), _) => true,
        (_, Type::Dyn | Type::Param(_)) => false,
        (Type::List(a), Type::List(b)) => less_specific(a, b),
        (Type::Map(a), Type::Map(b)) => less_specific(&a.0, &b.0) && less_specific(&a.1, &b.1),
        (Type::Opaque(a, of_a), Type::Opaque(b, of_b)) => {
            a == b && of_a.len() == of_b.len() && of_a.iter().zip(&**of_b).all(|(a, b)| less_specific(a, b))
        }
        (Type::Kind(_), Type::Kind(_)) => true,
        _ => a == b,
    }
}
