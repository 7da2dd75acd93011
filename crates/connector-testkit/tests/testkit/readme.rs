//! Blocks of code are read as a person reads them.

use connector_testkit::{example_config, readme_blocks};
use serde_json::json;

const README: &str = "\
# Guide

1. Do this:

   ```json
   { \"policy\": 1 }
   ```

`code` is a variable:

```json
{ \"code\": 1 }
```

`x.json`, as stored:

```json
{
  \"apiKey\": \"a\"
}
```

In `x.json` there is more:

```sh
echo `x.json`
```
";

#[test]
fn a_block_has_the_file_that_the_line_before_begins_with() {
    let blocks: Vec<_> =
        readme_blocks(README).into_iter().map(|block| (block.language, block.code, block.file)).collect();
    let block = |language: &str, code: &str, file: Option<&str>| {
        (language.to_owned(), code.to_owned(), file.map(str::to_owned))
    };
    let expected = [
        block("json", "{ \"policy\": 1 }\n", None),
        block("json", "{ \"code\": 1 }\n", None),
        block("json", "{\n  \"apiKey\": \"a\"\n}\n", Some("x.json")),
        block("sh", "echo `x.json`\n", None),
    ];
    assert_eq!(blocks, expected);
}

#[test]
fn the_example_is_the_first_file() {
    assert_eq!(example_config(README), Ok(("x.json".to_owned(), json!({ "apiKey": "a" }))));
    assert!(example_config("# Guide\n\n```json\n{}\n```\n").unwrap_err().contains("no example configuration"));
    assert!(example_config("`x.json`:\n\n```json\n{\n```\n").unwrap_err().contains("x.json in the README is not JSON"));
}
