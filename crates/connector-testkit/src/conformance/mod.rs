//! One suite of behaviour that every connector runs.
//!
//! A connector crate describes itself as a [`Subject`] and names the function that makes it:
//!
//! ```ignore
//! mod conformance {
//!     fn subject() -> Subject {
//!         Subject { factory: &CONNECTOR, /* and so on */ }
//!     }
//!
//!     connector_testkit::conformance!(subject);
//! }
//! ```
//!
//! Each check becomes a test with its own name. A check asks what a person would notice, and reaches the connector as
//! a host does: configuration in JSON, a message, and a provider on the other side of the wire. What does not apply to
//! a connector (templates, where its provider keeps them) passes without doing anything.

pub mod answers;
pub mod codes;
pub mod config;
pub mod faults;
pub mod form;
pub mod long_answers;
pub mod metadata;
pub mod outcomes;
mod peer;
pub mod recipients;
pub mod redaction;
pub mod reuse;
mod sample;
pub mod schema;
pub mod seams;
pub mod secrets;
mod subject;
pub mod templates;

pub use peer::{Behaviour, Peer};
pub use subject::{Arrived, HttpProvider, Provider, SmtpProvider, Subject, TemplateText, Templates, mailbox};

/// Makes a test of every check, for the subject that the function `$subject` of the same module makes. A connector that
/// speaks another protocol than HTTP names it: `conformance!(subject, smtp)`.
#[macro_export]
macro_rules! conformance {
    ($subject:ident) => {
        $crate::conformance!($subject, http);
    };
    ($subject:ident, $protocol:ident) => {
        $crate::fault_tests!($subject, $protocol);
        $crate::conformance_tests! { $subject;
            metadata:
                id_and_target_are_logtos,
                names_and_descriptions_speak_ten_languages,
                the_logo_is_a_picture_and_nothing_else,
                the_readme_explains_every_field,
                the_readmes_examples_are_valid,
                json_has_logtos_field_names;
            schema:
                is_valid_draft_2020_12,
                the_configuration_given_is_valid,
                what_it_accepts_can_be_built,
                documents_of_other_types_are_refused;
            form:
                has_an_item_for_every_property,
                every_item_has_words,
                a_form_library_can_draw_it,
                secrets_are_marked,
                required_agrees_with_the_schema,
                choices_defaults_and_presets_are_accepted,
                conditions_name_other_items,
                defaults_and_required_fields_make_a_configuration;
            config:
                every_problem_is_reported_at_once,
                an_unknown_field_is_warned_of_with_the_nearest_name,
                a_secret_with_a_line_break_is_refused_before_any_connection,
                a_misplaced_secret_never_shows,
                a_sender_is_one_mailbox;
            secrets:
                the_schema_tells_every_secret,
                a_masked_configuration_shows_none,
                masked_ones_are_kept_from_what_is_stored,
                another_destination_needs_them_again,
                every_host_and_url_is_a_destination;
            recipients:
                a_bad_recipient_fails_before_any_connection,
                a_display_name_and_an_international_domain_arrive,
                people_of_every_script_are_written_to,
                a_display_name_never_becomes_a_recipient;
            templates:
                a_type_has_its_own_template_or_generics,
                without_any_template_nothing_is_sent,
                a_localized_template_goes_first,
                values_are_escaped_in_html_and_nowhere_else,
                plain_content_is_text_alone,
                a_subject_stays_one_line,
                the_sender_is_named_by_the_template_and_never_by_a_value,
                replies_go_where_the_template_says,
                type_and_payload_are_passed_on_whole;
            redaction:
                a_refusal_shows_nothing_that_was_sent,
                nothing_that_was_sent_is_logged;
            long_answers:
                an_answer_of_a_mebibyte_is_told_in_a_sentence,
                a_success_of_a_mebibyte_is_read_or_unknown;
            outcomes:
                a_refusal_is_said_to_be_the_providers;
            seams:
                a_wrapper_that_spawns_changes_no_outcome,
                a_hosts_own_client_that_vouches_for_nothing_is_unknown,
                a_hosts_own_client_that_hands_the_context_on_is_exact;
            reuse:
                fifty_sends_share_a_connection,
                concurrent_sends_keep_apart,
                a_connection_closed_while_idle_is_replaced;
            answers:
                every_answer_becomes_what_it_means,
                each_has_a_source_and_no_sort_is_missing;
            codes:
                are_those_of_the_design;
        }
    };
}

/// What [`conformance!`](crate::conformance) expands to.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ($subject:ident; $($module:ident: $($check:ident),+;)+) => {
        $(mod $module {
            $(#[tokio::test]
            async fn $check() {
                $crate::conformance::$module::$check(&super::$subject()).await;
            })+
        })+
    };
}
