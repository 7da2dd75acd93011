//! Columns for people, each as wide as its widest cell.

/// `rows` under `heading`, with two spaces between columns.
///
/// Cells may come from anywhere: characters that could disturb a terminal are escaped.
pub fn table<const N: usize>(heading: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = rows.into_iter().map(|row| row.map(|cell| printable(&cell))).collect();
    let lines: Vec<[&str; N]> =
        std::iter::once(heading).chain(rows.iter().map(|row| row.each_ref().map(String::as_str))).collect();
    let mut text = String::new();
    for line in &lines {
        let padded: Vec<String> = line
            .iter()
            .enumerate()
            .map(|(column, cell)| {
                let width = lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
                format!("{cell:width$}")
            })
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// `text` with its control characters escaped.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() { char.escape_default().to_string() } else { char.to_string() })
        .collect()
}
