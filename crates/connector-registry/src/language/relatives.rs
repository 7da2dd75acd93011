//! Which other language somebody can read, where there is nothing in their own.

use super::subtags;

/// Languages, each with others whose readers can do with it, by CLDR's data (languageMatch in languageInfo.xml, version 48): those
/// at a distance of 20 or less, so that neighbours and dialects are there, and the languages that a country may have besides are
/// not. Those of a macrolanguage that has extended subtags are in [`subtags`]; Norwegian's two are CLDR's parents.
const READ_BY: &[(&str, &str)] = &[
    ("hr", "bs sr"),
    ("bs", "hr sr"),
    ("sr", "bs hr"),
    ("aa", "ssy"),
    ("az", "azb"),
    ("cs", "sk"),
    ("da", "fo no"),
    ("de", "gsw lb rm"),
    ("en", "af chr cy ga gd haw is mi pcm"),
    ("es", "ay ca eu gl gn"),
    ("et", "vro"),
    ("ff", "ffm fub fue fuf fuh fui fuq fuv"),
    ("fr", "br co crs ht oc"),
    ("gn", "gnw gui gun nhd"),
    ("hi", "mai"),
    ("id", "jv su"),
    ("it", "la scn"),
    ("iu", "ikt"),
    ("kln", "enb eyo niq oki pko sgc tec tuy"),
    ("kpe", "gkp"),
    ("luy", "ida lkb lko lks lri lrm lsm lto lts lwg nle nyd rag"),
    ("mg", "bhr bjq bmm bzc msh skg tdx tkg txy xmv xmw"),
    ("mn", "mvf"),
    ("ms", "id"),
    ("ne", "dty"),
    ("nl", "fy"),
    ("no", "da"),
    ("om", "gax hae orc"),
    ("or", "spv"),
    ("ps", "pbt pst"),
    (
        "qu",
        "qub qud quf qug quh quk qul qup qur qus quw qux quy qva qvc qve qvh qvi qvj qvl qvm qvn qvo qvp qvs qvw \
         qvz qwa qwc qwh qws qxa qxc qxh qxl qxn qxo qxp qxr qxt qxu qxw",
    ),
    ("ru", "be"),
    ("sc", "sdc sdn sro"),
    ("sk", "cs"),
    ("sq", "aae aat aln"),
    ("ssy", "aa"),
    ("syr", "aii"),
    ("ur", "bal"),
    ("yi", "yih"),
    ("zh", "bo ug za"),
];

/// The languages that a reader of `language` can do with, the nearest first.
pub(super) fn of(language: &str) -> impl Iterator<Item = &'static str> {
    let listed = READ_BY.iter().filter(move |(_, readers)| readers.split(' ').any(|reader| reader == language));
    subtags::macrolanguage(language).into_iter().chain(listed.map(|(relative, _)| *relative))
}
