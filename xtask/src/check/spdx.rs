//! SPDX licence expressions: `(MIT OR Apache-2.0) AND Unicode-3.0`.

use anyhow::{Result, bail};
use std::iter::Peekable;
use std::vec::IntoIter;

/// Whether the licences a user may choose are all `allowed`. `A WITH B` is asked as one licence.
pub fn satisfied(expression: &str, allowed: impl Fn(&str) -> bool) -> Result<bool> {
    // Before SPDX, crates wrote `MIT/Apache-2.0` for either.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<String> = spaced.split_ascii_whitespace().map(str::to_owned).collect();
    let mut words = words.into_iter().peekable();
    let result = any(&mut words, &allowed)?;
    if let Some(rest) = words.next() {
        bail!("`{rest}` is out of place");
    }
    Ok(result)
}

type Words = Peekable<IntoIter<String>>;

fn any(words: &mut Words, allowed: &impl Fn(&str) -> bool) -> Result<bool> {
    let mut result = all(words, allowed)?;
    while words.next_if(|word| word == "OR").is_some() {
        result |= all(words, allowed)?;
    }
    Ok(result)
}

fn all(words: &mut Words, allowed: &impl Fn(&str) -> bool) -> Result<bool> {
    let mut result = one(words, allowed)?;
    while words.next_if(|word| word == "AND").is_some() {
        result &= one(words, allowed)?;
    }
    Ok(result)
}

fn one(words: &mut Words, allowed: &impl Fn(&str) -> bool) -> Result<bool> {
    match words.next().as_deref() {
        Some("(") => {
            let result = any(words, allowed)?;
            if words.next_if(|word| word == ")").is_none() {
                bail!("a bracket is not closed");
            }
            Ok(result)
        }
        Some(word @ (")" | "OR" | "AND" | "WITH")) => bail!("`{word}` is out of place"),
        Some(licence) => {
            let mut id = licence.to_owned();
            if words.next_if(|word| word == "WITH").is_some() {
                let Some(exception) = words.next() else { bail!("nothing follows WITH") };
                id = format!("{id} WITH {exception}");
            }
            Ok(allowed(&id))
        }
        None => bail!("it ends too early"),
    }
}

#[cfg(test)]
mod tests {
    use super::satisfied;

    #[test]
    fn expressions() {
        let allowed = |id: &str| ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].contains(&id);
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("GPL-3.0-only OR MIT", true),
            ("GPL-3.0-only/MIT", true),
            ("MIT AND GPL-3.0-only", false),
            ("MIT AND (GPL-3.0-only OR ISC)", true),
            ("MIT OR GPL-3.0-only AND GPL-2.0-only", true),
            ("(MIT OR GPL-3.0-only) AND GPL-2.0-only", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0 WITH Classpath-exception-2.0", false),
        ] {
            assert_eq!(satisfied(expression, allowed).unwrap(), expected, "{expression}");
        }
        for broken in ["", "MIT OR", "(MIT", "MIT)", "MIT ISC", "OR MIT", "Apache-2.0 WITH"] {
            assert!(satisfied(broken, allowed).is_err(), "{broken}");
        }
    }
}
