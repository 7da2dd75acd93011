//! Languages as systems write them, and the template that each gets.

use connector_kit::{Message, Payload, UsageType};
use connector_registry::{Action, Change, ConnectorStore, Edit, Entry, Error, Expects, LanguageTag, LocalizedTemplate};
use serde_json::{Value, json};

use crate::{TENANT, by, labelled, registry, set_up};

fn template(language: &str) -> LocalizedTemplate {
    let template = json!({ "language": language, "usageType": "SignIn", "subject": language, "content": "{{code}}" });
    serde_json::from_value(template).unwrap()
}

fn message(payload: Value) -> Message {
    Message::new("user@example.com", UsageType::SignIn, serde_json::from_value::<Payload>(payload).unwrap())
}

/// What each locale gets of the templates in `languages`, of which `en` is the fallback.
async fn chosen(languages: &[&str], payloads: &[Value]) -> Vec<String> {
    let registry = registry();
    set_up(&registry, labelled("own")).await;
    for language in languages {
        registry.put_template(TENANT, template(language), &by()).await.unwrap();
    }
    registry.set_fallback_language(TENANT, Some("en"), &by()).await.unwrap();
    let mut chosen = Vec::new();
    for payload in payloads {
        let receipt = registry.send(TENANT, &message(payload.clone())).await.unwrap();
        chosen.push(receipt.message_id.unwrap().trim_start_matches("own: ").to_owned());
    }
    chosen
}

async fn assert_chosen(languages: &[&str], cases: &[(&str, &str)]) {
    let payloads: Vec<Value> = cases.iter().map(|(locale, _)| json!({ "locale": locale })).collect();
    for ((locale, expected), got) in cases.iter().zip(chosen(languages, &payloads).await) {
        assert_eq!(got, *expected, "{locale} among {languages:?}");
    }
}

#[tokio::test]
async fn a_locale_gets_the_template_that_is_meant() {
    let languages = ["en", "zh-CN", "zh-TW", "pt-BR", "nb", "he", "de", "sr", "fil", "id"];
    assert_chosen(
        &languages,
        &[
            ("zh_CN", "zh-CN"),
            ("zh-Hans", "zh-CN"),
            ("zh", "zh-CN"),
            ("zh-SG", "zh-CN"),
            ("cmn-Hans", "zh-CN"),
            ("zh-cmn-Hans-CN", "zh-CN"),
            ("zh-CHS", "zh-CN"),
            ("zh-Hant-HK", "zh-TW"),
            ("zh-HK", "zh-TW"),
            ("zh-MO", "zh-TW"),
            ("zh_TW_#Hant", "zh-TW"),
            ("zh-CHT", "zh-TW"),
            ("ZH-hant", "zh-TW"),
            ("pt_BR", "pt-BR"),
            ("pt", "pt-BR"),
            ("pt-PT", "pt-BR"),
            ("pt_BR.UTF-8", "pt-BR"),
            ("no", "nb"),
            ("no-NO", "nb"),
            ("nb_NO", "nb"),
            ("nn", "nb"),
            ("no-bok", "nb"),
            ("iw", "he"),
            ("iw_IL", "he"),
            ("he-IL", "he"),
            ("de_DE@euro", "de"),
            ("de-AT-1901", "de"),
            ("de-CH-x-formal", "de"),
            ("ger", "de"),
            ("sh", "sr"),
            ("sr-Latn-RS", "sr"),
            ("sr_RS@latin", "sr"),
            ("tl", "fil"),
            ("in", "id"),
            ("zh-CHN", "zh-CN"),
            ("zh_TWN", "zh-TW"),
            ("zh-rCN", "zh-CN"),
            ("zh-rTW", "zh-TW"),
            // Only the beginning is understood.
            ("zh-XYZ", "zh-CN"),
            ("zh-Hant-XYZ", "zh-TW"),
            ("pt_BR_XYZ_#", "pt-BR"),
            ("de-", "de"),
            ("zh_TW.", "zh-TW"),
            ("zh_TW@", "zh-TW"),
            // Nothing of theirs is there.
            ("jp-JP", "en"),
            ("German-DE", "en"),
            ("ja", "en"),
            ("C", "en"),
            ("POSIX", "en"),
            ("C.UTF-8", "en"),
            ("und", "en"),
            ("German", "en"),
            ("not a language", "en"),
            ("xx", "en"),
            ("", "en"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_tag_is_found_by_every_other_that_means_it() {
    assert_chosen(&["en", "zh-Hans", "zh-Hant"], &[("zh-CN", "zh-Hans"), ("zh-TW", "zh-Hant"), ("zh-HK", "zh-Hant")])
        .await;
    assert_chosen(&["en", "zh", "zh-HK"], &[("zh-TW", "zh-HK"), ("zh-Hans", "zh")]).await;
    assert_chosen(&["en", "iw", "no", "sh"], &[("he", "iw"), ("nb", "no"), ("nn-NO", "no"), ("sr-Latn", "sh")]).await;
    assert_chosen(&["en", "zh-min-nan", "i-klingon"], &[("nan", "zh-min-nan"), ("tlh", "i-klingon")]).await;
    // The same language before another, even in a script that is harder to read.
    assert_chosen(&["en", "zh-Hans"], &[("zh-TW", "zh-Hans")]).await;
    assert_chosen(&["en", "az-Latn"], &[("az-Arab-IR", "az-Latn")]).await;
    assert_chosen(&["en", "hi"], &[("hi-Latn", "hi")]).await;
}

#[tokio::test]
async fn of_several_the_nearest_is_taken() {
    assert_chosen(
        &["en", "en-GB", "es", "es-419", "es-AR", "pt", "pt-BR", "pt-PT", "sr-Latn", "sr", "nb", "nn", "de", "de-CH"],
        &[
            ("en-GB", "en-GB"),
            ("en-US", "en"),
            ("en-UK", "en-GB"),
            ("es-MX", "es-419"),
            ("es-AR", "es-AR"),
            ("es-ES", "es"),
            ("es-GQ", "es"),
            ("pt-AO", "pt-PT"),
            ("pt-BR", "pt-BR"),
            ("pt", "pt"),
            ("sr-ME", "sr-Latn"),
            ("sr-Cyrl-BA", "sr"),
            ("no", "nb"),
            ("nn-NO", "nn"),
            ("de-AT", "de"),
            ("de-CH", "de-CH"),
        ],
    )
    .await;
    assert_chosen(&["en-US", "en-GB", "es-ES", "es-AR"], &[("en-AU", "en-GB"), ("en", "en-US"), ("es-MX", "es-AR")])
        .await;
}

/// Close languages by CLDR's data, where there is nothing in the language itself.
#[tokio::test]
async fn readers_of_a_close_language_get_its_template_before_the_fallback() {
    let closest = async |languages: &[&str], cases: &[(&str, &str)]| {
        let all: Vec<&str> = languages.iter().copied().chain(["en"]).collect();
        assert_chosen(&all, cases).await;
    };
    closest(&["zh-Hans", "zh-Hant"], &[("yue", "zh-Hant"), ("zh-yue-HK", "zh-Hant"), ("yue-Hans-CN", "zh-Hans")]).await;
    closest(&["zh-HK", "zh-TW"], &[("yue-HK", "zh-HK"), ("hak-TW", "zh-TW")]).await;
    closest(&["zh"], &[("yue", "zh"), ("wuu", "zh"), ("ug", "zh")]).await;
    closest(&["de", "de-CH"], &[("gsw", "de-CH"), ("gsw-DE", "de"), ("lb", "de"), ("lb-LU", "de"), ("rm-CH", "de-CH")])
        .await;
    closest(&["da"], &[("fo", "da"), ("nb", "da"), ("nn", "da"), ("no", "da"), ("sv", "en")]).await;
    closest(&["da", "nn"], &[("nb", "nn"), ("fo", "da")]).await;
    closest(&["nb"], &[("da", "nb"), ("nn", "nb"), ("fo", "en")]).await;
    closest(&["nn"], &[("da", "nn")]).await;
    closest(&["no"], &[("da-DK", "no")]).await;
    closest(&["hr"], &[("bs", "hr"), ("sr", "hr"), ("sr-Latn", "hr"), ("sh", "hr"), ("sl", "en")]).await;
    closest(&["bs", "sr-Latn"], &[("hr", "bs"), ("sh", "sr-Latn"), ("sr", "sr-Latn")]).await;
    // Whose language is in Latin letters need not read Cyrillic ones.
    closest(&["sr"], &[("hr", "en"), ("bs-BA", "en"), ("bs-Cyrl", "sr")]).await;
    closest(&["sk", "ar", "es"], &[("cs", "sk"), ("arz", "ar"), ("ar-arz-EG", "ar"), ("ca", "es"), ("gl-ES", "es")])
        .await;
    // One way only.
    closest(&["yue", "gsw", "lb", "fo", "arz"], &[("zh", "en"), ("de", "en"), ("da", "en"), ("ar", "en")]).await;
    // What somebody asked for counts before what is close to it.
    closest(&["de", "fr"], &[("gsw, fr", "fr"), ("gsw, it", "de")]).await;
}

/// Logto puts the language of its sign-in page into `locale`, and what the application asked for into `uiLocales`.
#[tokio::test]
async fn lists_are_read_in_the_order_of_preference() {
    let payloads = [
        (json!({ "uiLocales": "fr-CA pt ja" }), "pt-BR"),
        (json!({ "locale": "de", "uiLocales": "pt-BR de" }), "de"),
        (json!({ "locale": "fr", "uiLocales": "pt-BR de" }), "pt-BR"),
        (json!({ "locale": "fr;q=0.9, pt;q=0.2, de;q=0.8, *;q=0.1" }), "de"),
        (json!({ "locale": "de;q=0, pt" }), "pt-BR"),
        (json!({ "locale": "not a language", "uiLocales": "de" }), "de"),
        (json!({ "locale": 7, "uiLocales": ["de"] }), "en"),
        (json!({ "locale": null }), "en"),
        (json!({ "locale": "x".repeat(1000) }), "en"),
        (json!({ "locale": "de,".repeat(400) }), "en"),
        (json!({ "uiLocales": format!("{}pt", "fr ".repeat(100)) }), "en"),
    ];
    let asked: Vec<Value> = payloads.iter().map(|(payload, _)| payload.clone()).collect();
    for ((payload, expected), got) in payloads.iter().zip(chosen(&["en", "de", "pt-BR"], &asked).await) {
        assert_eq!(got, *expected, "{payload}");
    }
}

#[test]
fn tags_have_one_form_and_names_have_none() {
    for (written, canonical) in [
        ("PT-br", "pt-BR"),
        (" pt_BR.UTF-8 ", "pt-BR"),
        ("zh_hant_hk", "zh-Hant-HK"),
        ("iw", "he"),
        ("in", "id"),
        ("ji", "yi"),
        ("mo", "ro"),
        ("sh", "sr-Latn"),
        ("i-klingon", "tlh"),
        ("zh-min-nan", "nan"),
        ("zh-yue-HK", "yue-HK"),
        ("art-lojban", "jbo"),
        ("ca_ES@valencia", "ca-ES-valencia"),
        ("uz_UZ@cyrillic", "uz-Cyrl-UZ"),
        ("sr__#Latn", "sr-Latn"),
        ("en-GB-oed", "en-GB-oxendict"),
        ("eng", "en"),
        ("de-x-formal", "de-x-formal"),
        // Regions of three letters, also after languages that have extended subtags.
        ("en-usa", "en-US"),
        ("zh-CHN", "zh-CN"),
        ("zh_TWN", "zh-TW"),
        ("zho-HKG", "zh-HK"),
        ("zh-Hant-HKG", "zh-Hant-HK"),
        ("zh-yue-HKG", "yue-HK"),
        ("zh_CHN_#Hans", "zh-Hans-CN"),
        ("ar-EGY", "ar-EG"),
        ("ar_SAU.UTF-8", "ar-SA"),
        ("sw-KEN", "sw-KE"),
        ("ms-MYS", "ms-MY"),
        ("uz_UZB@cyrillic", "uz-Cyrl-UZ"),
        ("lv-LVA", "lv-LV"),
        ("kok-IND", "kok-IN"),
        ("ru-RUS", "ru-RU"),
        ("sq-XKK", "sq-XK"),
        ("de-x-deu", "de-x-deu"),
        // Extended subtags stay what they are, though some name regions elsewhere.
        ("ar-arz", "arz"),
        ("zh-hak-TW", "hak-TW"),
        ("ms-pse", "pse"),
        ("sgn-isr", "isr"),
        ("sgn-ase-US", "ase-US"),
        ("i-lux", "lb"),
        // Android's folders of resources.
        ("zh-rCN", "zh-CN"),
        ("pt-rBR", "pt-BR"),
        ("es-rUS", "es-US"),
        ("en_rGB", "en-GB"),
        ("ar-rEG", "ar-EG"),
        ("pt-rbr", "pt-BR"),
        ("b+sr+Latn", "sr-Latn"),
        ("b+es+419", "es-419"),
        ("b+zh+Hans+CN", "zh-Hans-CN"),
        ("qaa", "qaa"),
    ] {
        assert_eq!(LanguageTag::parse(written).map(|tag| tag.to_string()).as_deref(), Ok(canonical), "{written}");
    }
    let long = format!("de-x-{}", "a-".repeat(500));
    for name in [
        "",
        " ",
        "German",
        "English",
        "Portuguese",
        "french",
        "deutsch",
        "jp",
        "cn",
        "gr",
        "xx",
        "und",
        "C",
        "POSIX",
        "root",
        "en-usx",
        "zh-XYZ",
        "zh-ken-CN",
        "ar-yue",
        "b+sr+",
        "zh CN",
        "pt-",
        "-pt",
        "pt--BR",
        "pt_BR.",
        "pt_BR@",
        "de.a.b",
        "português",
        "日本語",
        "i-default",
        "th_TH_TH_#u-nu-thai",
        "x-private",
        long.trim_end_matches('-'),
    ] {
        let refused = LanguageTag::parse(name).unwrap_err().to_string();
        assert!(refused.contains("is not a language tag") && refused.len() < 200, "{refused}");
    }
}

/// Earlier versions took more tags than this one, and stored them as they were written.
#[tokio::test]
async fn what_an_earlier_version_stored_can_be_found_replaced_and_removed() {
    let registry = registry();
    set_up(&registry, labelled("own")).await;
    for language in ["iw", "german"] {
        let state = registry.tenant(TENANT).await.unwrap();
        let change = Change {
            creates: false,
            expects: Expects::Revision(state.revision),
            edits: vec![Edit::PutTemplate(template(language))],
            entry: Entry {
                by: by(),
                action: Action::PutTemplate,
                configuration: None,
                connector: None,
                details: json!({}),
            },
            at: std::time::SystemTime::UNIX_EPOCH,
        };
        registry.store().commit(TENANT, change).await.unwrap();
    }
    registry.refresh(TENANT).await.unwrap();
    let sent = async |locale: &str| {
        registry.send(TENANT, &message(json!({ "locale": locale }))).await.unwrap().message_id.unwrap()
    };
    assert_eq!((sent("he-IL").await, sent("german").await), ("own: iw".to_owned(), "own".to_owned()));
    registry.put_template(TENANT, template("he"), &by()).await.unwrap();
    assert_eq!(sent("iw").await, "own: he");
    let settings = registry.settings(TENANT).await.unwrap();
    let stored = |language: &str| settings.template(language, &UsageType::SignIn);
    assert_eq!(stored("he").unwrap().unwrap().language, "he");
    assert_eq!(stored("iw").unwrap().unwrap().language, "he");
    assert_eq!(stored("german").unwrap().unwrap().language, "german");
    assert!(stored("french").is_err() && stored("fr").unwrap().is_none());
    for (given, removed) in [("iw", "he"), ("he", "iw"), ("german", "german")] {
        assert_eq!(registry.remove_template(TENANT, given, &UsageType::SignIn, &by()).await.unwrap(), removed);
    }
    let refused = registry.remove_template(TENANT, "german", &UsageType::SignIn, &by()).await.unwrap_err();
    assert!(matches!(refused, Error::InvalidLanguage(_)), "{refused}");
}
