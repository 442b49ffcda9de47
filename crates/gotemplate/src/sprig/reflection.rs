//! Types and kinds, and versions.

use crate::func::Ty::{Any, Str as Text};
use crate::func::{Args, Function};
use crate::semver::{Constraints, Version, VersionObject};
use crate::value::Value;
use crate::{Failure, functions};

pub(super) fn table() -> impl IntoIterator<Item = Function> {
    functions! {
        "typeOf" (Any) Plain |args| Ok(args[0].type_name().into());
        "typeIs" (Text, Any) Plain |args| Ok((args.text(0) == args[1].type_name()).into());
        "typeIsLike" (Text, Any) Plain |args| {
            let (wanted, name) = (args.text(0), args[1].type_name());
            Ok((wanted == name || name.strip_prefix('*') == Some(&wanted)).into())
        };
        "kindOf" (Any) Plain |args| Ok(args[0].kind().to_string().into());
        "kindIs" (Text, Any) Plain |args| Ok((args.text(0) == args[1].kind().to_string()).into());
        "deepEqual" (Any, Any) Plain |args| Ok(args[0].deep_equal(&args[1]).into());
        "semver" (Text) Plain |args| Ok(Value::object(VersionObject(Version::parse(&args.text(0))?)));
        "semverCompare" (Text, Text) Plain |args| {
            let constraints = Constraints::parse(&args.text(0)).map_err(Failure::new)?;
            Ok(constraints.check(&Version::parse(&args.text(1))?).into())
        };
    }
}
