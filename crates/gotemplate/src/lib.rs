//! Go text/template and sprig.
