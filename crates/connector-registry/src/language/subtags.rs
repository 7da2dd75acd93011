//! Subtags of three letters after a language: what they mean.

/// Extended language subtags by the language that they follow (RFC 5646, 2.2.2; IANA's Language Subtag Registry). What follows
/// any but `sgn`, sign languages, is one of the languages that it is a name for.
const EXTENDED: [(&str, &str); 8] = [
    (
        "ar",
        "aao abh abv acm acq acw acx acy adf aeb aec afb ajp apc apd arb arq ars ary arz auz avl ayh ayl ayn ayp bbz \
         pga shu ssh",
    ),
    ("kok", "gom knn"),
    ("lv", "ltg lvs"),
    (
        "ms",
        "bjn btj bve bvu coa dup hji jak jax kvb kvr kxd lce lcf liw max meo mfa mfb min mqg msi mui orn ors pel pse \
         tmw urk vkk vkt xmm zlm zmi zsm",
    ),
    (
        "sgn",
        "ads aed aen afg ajs ase asf asp asq asw bfi bfk bog bqn bqy bvl bzs cds csc csd cse csf csg csl csn csq csr \
         csx doq dse dsl dsz ecs ehs esl esn eso eth fcs fse fsl fss gds gse gsg gsm gss gus hab haf hds hks hos hps \
         hsh hsl icl iks ils inl ins ise isg isr jcs jhs jks jls jos jsl jus kgi kvk lbs lgs lls lsb lsc lsg lsl lsn \
         lso lsp lst lsv lsw lsy lws mdl mfs mre msd msr mzc mzg mzy nbs ncs nsi nsl nsp nsr nzs okl pgz pks prl prz \
         psc psd psg psl pso psp psr pys rib rms rnb rsi rsl rsm rsn sdl sfb sfs sgg sgx slf sls sqk sqs sqx ssp ssr \
         svk swl syy szs tse tsm tsq tss tsy tza ugn ugy ukl uks vgt vsi vsl vsv wbs xki xml xms yds ygs yhs ysl ysm \
         zib zsl",
    ),
    ("sw", "swc swh"),
    ("uz", "uzn uzs"),
    ("zh", "cdo cjy cmn cnp cpx csp czh czo gan hak hnm hsn luh lzh mnp nan sjc wuu yue"),
];

/// Regions by their three letters: ISO 3166-1, and Kosovo as CLDR writes it (territoryCodes in supplementalData.xml).
const REGIONS: &str = "\
    ABW-AW AFG-AF AGO-AO AIA-AI ALA-AX ALB-AL AND-AD ARE-AE ARG-AR ARM-AM ASM-AS ATA-AQ ATF-TF ATG-AG AUS-AU AUT-AT \
    AZE-AZ BDI-BI BEL-BE BEN-BJ BES-BQ BFA-BF BGD-BD BGR-BG BHR-BH BHS-BS BIH-BA BLM-BL BLR-BY BLZ-BZ BMU-BM BOL-BO \
    BRA-BR BRB-BB BRN-BN BTN-BT BVT-BV BWA-BW CAF-CF CAN-CA CCK-CC CHE-CH CHL-CL CHN-CN CIV-CI CMR-CM COD-CD COG-CG \
    COK-CK COL-CO COM-KM CPV-CV CRI-CR CUB-CU CUW-CW CXR-CX CYM-KY CYP-CY CZE-CZ DEU-DE DJI-DJ DMA-DM DNK-DK DOM-DO \
    DZA-DZ ECU-EC EGY-EG ERI-ER ESH-EH ESP-ES EST-EE ETH-ET FIN-FI FJI-FJ FLK-FK FRA-FR FRO-FO FSM-FM GAB-GA GBR-GB \
    GEO-GE GGY-GG GHA-GH GIB-GI GIN-GN GLP-GP GMB-GM GNB-GW GNQ-GQ GRC-GR GRD-GD GRL-GL GTM-GT GUF-GF GUM-GU GUY-GY \
    HKG-HK HMD-HM HND-HN HRV-HR HTI-HT HUN-HU IDN-ID IMN-IM IND-IN IOT-IO IRL-IE IRN-IR IRQ-IQ ISL-IS ISR-IL ITA-IT \
    JAM-JM JEY-JE JOR-JO JPN-JP KAZ-KZ KEN-KE KGZ-KG KHM-KH KIR-KI KNA-KN KOR-KR KWT-KW LAO-LA LBN-LB LBR-LR LBY-LY \
    LCA-LC LIE-LI LKA-LK LSO-LS LTU-LT LUX-LU LVA-LV MAC-MO MAF-MF MAR-MA MCO-MC MDA-MD MDG-MG MDV-MV MEX-MX MHL-MH \
    MKD-MK MLI-ML MLT-MT MMR-MM MNE-ME MNG-MN MNP-MP MOZ-MZ MRT-MR MSR-MS MTQ-MQ MUS-MU MWI-MW MYS-MY MYT-YT NAM-NA \
    NCL-NC NER-NE NFK-NF NGA-NG NIC-NI NIU-NU NLD-NL NOR-NO NPL-NP NRU-NR NZL-NZ OMN-OM PAK-PK PAN-PA PCN-PN PER-PE \
    PHL-PH PLW-PW PNG-PG POL-PL PRI-PR PRK-KP PRT-PT PRY-PY PSE-PS PYF-PF QAT-QA REU-RE ROU-RO RUS-RU RWA-RW SAU-SA \
    SDN-SD SEN-SN SGP-SG SGS-GS SHN-SH SJM-SJ SLB-SB SLE-SL SLV-SV SMR-SM SOM-SO SPM-PM SRB-RS SSD-SS STP-ST SUR-SR \
    SVK-SK SVN-SI SWE-SE SWZ-SZ SXM-SX SYC-SC SYR-SY TCA-TC TCD-TD TGO-TG THA-TH TJK-TJ TKL-TK TKM-TM TLS-TL TON-TO \
    TTO-TT TUN-TN TUR-TR TUV-TV TWN-TW TZA-TZ UGA-UG UKR-UA UMI-UM URY-UY USA-US UZB-UZ VAT-VA VCT-VC VEN-VE VGB-VG \
    VIR-VI VNM-VN VUT-VU WLF-WF WSM-WS YEM-YE ZAF-ZA ZMB-ZM ZWE-ZW XKK-XK";

/// Whether a subtag is an extended one that follows `language`.
pub(super) fn is_extended(language: &str, subtag: &str) -> bool {
    let known = EXTENDED.iter().find(|(prefix, _)| *prefix == language);
    known.is_some_and(|(_, subtags)| subtags.split(' ').any(|extended| extended.eq_ignore_ascii_case(subtag)))
}

/// The language that is a name for several, of which `language` is one: `zh` of `yue`.
pub(super) fn macrolanguage(language: &str) -> Option<&'static str> {
    let of = |(prefix, subtags): &&(&str, &str)| *prefix != "sgn" && subtags.split(' ').any(|one| one == language);
    EXTENDED.iter().find(of).map(|(prefix, _)| *prefix)
}

/// The region that a subtag names in three letters, as ISO 3166 does (`CHN`), or as Android does (`rCN`).
pub(super) fn region(subtag: &str) -> Option<&str> {
    // Case tells `es-rUS` from `RUS`.
    let android = subtag.strip_prefix(['r', 'R']);
    if let Some(region) =
        android.filter(|_| subtag.starts_with('r') && subtag[1..].bytes().all(|byte| byte.is_ascii_uppercase()))
    {
        return Some(region);
    }
    let mut regions = REGIONS.split(' ').filter_map(|pair| pair.split_once('-'));
    let three = regions.clone().find(|(three, _)| subtag.eq_ignore_ascii_case(three)).map(|(_, two)| two);
    three.or_else(|| android.filter(|region| regions.any(|(_, two)| region.eq_ignore_ascii_case(two))))
}
