//! What is said of an expression that means nothing.

use crate::expressions::Refusal;
use object::field::{Error, Errors, Path};

/// Notes why an expression was refused, if it was.
pub(super) fn check<T>(compiled: Result<T, Refusal>, expression: &str, path: &Path<'_>, errors: &mut Errors) {
    errors.extend(compiled.err().map(|refusal| match refusal {
        Refusal::Invalid(why) => Error::invalid(path, expression, why),
        Refusal::Internal(why) => Error::internal(path, why),
    }));
}
