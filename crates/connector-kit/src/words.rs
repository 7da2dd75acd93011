//! The words that a name is made of.

/// The words of a name, in lower case, however it joins them.
///
/// ```
/// use connector_kit::words_of;
///
/// for name in ["login-otp", "login_otp", "loginOtp", "loginOTP", "LOGINOtp"] {
///     assert_eq!(words_of(name), ["login", "otp"]);
/// }
/// ```
#[must_use]
pub fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before: Option<char> = None;
    let mut chars = name.chars().peekable();
    while let Some(char) = chars.next() {
        let ends_capitals = chars.peek().is_some_and(|next| next.is_lowercase());
        let begins = char.is_uppercase() && before.is_some_and(|before| !before.is_uppercase() || ends_capitals);
        if begins || !char.is_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| char.is_alphanumeric()) {
            word.extend(char.to_lowercase());
        }
        before = Some(char);
    }
    words.retain(|word| !word.is_empty());
    words
}
