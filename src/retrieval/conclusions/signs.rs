//! What speaks for a conclusion and against it, as numbers of about one size.

use serde::Serialize;

/// A struct of numbers with its list, so that signs and their weights are read by name and summed in one line.
macro_rules! numbers {
    ($(#[$about:meta])* $type:ident { $($(#[$doc:meta])* $name:ident,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
        pub struct $type {
            $($(#[$doc])* pub $name: f64,)*
        }

        impl $type {
            /// All of them 0.
            pub const NONE: $type = $type { $($name: 0.0,)* };

            /// Sum of the products with numbers of the same names.
            pub fn dot(&self, other: &$type) -> f64 {
                0.0 $(+ self.$name * other.$name)*
            }
        }
    };
}

numbers! {
    /// Signs of one candidate. Where it says "whether", 1 is yes and 0 no; log-odds and logarithms are in tens.
    Signs {
        /// Whether it is the outcome of a scene.
        scene,
        /// Logarithm of its rule's likelihood, or its scene's, as a share of the first one's.
        rank,
        /// Whether that is the first.
        first,
        /// Log-odds of its own tokens, see [`crate::inference::LateInteraction`].
        own,
        /// The question's token that they meet worst.
        own_weakest,
        /// The same with the tokens of title and chapter.
        headed,
        /// Likewise.
        headed_weakest,
        /// How far `own` is behind the best of the clause.
        behind_in_clause,
        /// How far `headed` is behind the best of all.
        behind_in_all,
        /// Log-odds of the whole clause.
        clause,
        /// The question's token that the clause meets worst.
        clause_weakest,
        /// [`crate::retrieval::fusion::Evidence::standing`] of the clause, in tens.
        standing,
        /// [`crate::retrieval::fusion::Evidence::known`] of the clause.
        known,
        /// [`crate::retrieval::fusion::Evidence::lexical`] of the clause.
        lexical,
        /// Share of the question's weight in its words.
        coverage,
        /// The same with title and chapter.
        headed_coverage,
        /// How far `coverage` is behind the best of all.
        coverage_behind,
        /// Whether it states a quantity of the kind that is asked for.
        stated,
        /// Whether one is asked for and it states none.
        unstated,
        /// Whether it names a person or office and one is asked for.
        who,
        /// Whether one is asked for and it names none.
        nobody,
        /// Whether it names papers and they are asked for.
        papers,
        /// Whether they are asked for and it names none.
        no_papers,
        /// Whether it has the tier of an amount in the question.
        amount,
        /// Whether it has tiers, and another than the question's.
        other_amount,
        /// Words on the question's side, see [`crate::text::contrast`].
        same_side,
        /// Words on another side.
        other_side,
        /// Whether it prohibits and the question is for a verdict.
        prohibits,
        /// Whether it permits and the question is for a verdict.
        permits,
        /// Characters, in hundreds.
        length,
        /// Whether it is two sentences.
        pair,
        /// An item with its opening words.
        item,
        /// A row of a table.
        row,
        /// A whole list.
        list,
        /// Whether it opens with a verdict of the kind that is asked for.
        verdict_fits,
        /// With one of another kind.
        verdict_of_another_kind,
        /// With one though none is asked for.
        verdict_unasked,
        /// With 有条件.
        verdict_depends,
        /// Whether a condition of the scene is open.
        condition_open,
        /// Whether the scene rests on the first rule.
        rests_on_first,
        /// Logarithm of the likelihood of the best rule that the scene rests on.
        basis,
        /// How far the scene is before the next, or behind the first.
        scene_margin,
        /// Whether it says what a document is for, or what a word means.
        preamble,
    }
}

numbers! {
    /// Signs of all that was found, for whether it answers and whether the first candidate is right.
    Overall {
        /// 1.
        start,
        /// Log-odds of the confidence without these signs, in tens.
        confidence,
        /// How far the best candidate of another clause is behind the first.
        gap,
        /// Whether a verdict is asked for.
        verdict,
        /// Whether the question names a matter that the clauses do not.
        other_matter,
        /// Whether clauses have curated questions throughout.
        throughout,
        /// Whether the first candidate's document was cited for the question before.
        cited_before,
        /// [`Signs::scene`] of the first candidate.
        scene,
        /// [`Signs::clause_weakest`] of the first candidate.
        clause_weakest,
        /// [`Signs::own_weakest`] of the first candidate.
        own_weakest,
        /// [`Signs::headed_weakest`] of the first candidate.
        headed_weakest,
        /// [`Signs::behind_in_clause`] of the first candidate.
        behind_in_clause,
        /// [`Signs::standing`] of the first candidate.
        standing,
        /// [`Signs::lexical`] of the first candidate.
        lexical,
        /// [`Signs::coverage`] of the first candidate.
        coverage,
        /// [`Signs::coverage_behind`] of the first candidate.
        coverage_behind,
        /// [`Signs::stated`] of the first candidate.
        stated,
        /// [`Signs::unstated`] of the first candidate.
        unstated,
        /// [`Signs::nobody`] of the first candidate.
        nobody,
        /// [`Signs::no_papers`] of the first candidate.
        no_papers,
        /// [`Signs::amount`] of the first candidate.
        amount,
        /// [`Signs::other_amount`] of the first candidate.
        other_amount,
        /// [`Signs::other_side`] of the first candidate.
        other_side,
        /// [`Signs::verdict_of_another_kind`] of the first candidate.
        verdict_of_another_kind,
        /// [`Signs::verdict_unasked`] of the first candidate.
        verdict_unasked,
        /// [`Signs::preamble`] of the first candidate.
        preamble,
    }
}

impl Overall {
    /// Those of the first candidate.
    pub fn of(first: &Signs) -> Overall {
        Overall {
            start: 1.0,
            scene: first.scene,
            clause_weakest: first.clause_weakest,
            own_weakest: first.own_weakest,
            headed_weakest: first.headed_weakest,
            behind_in_clause: first.behind_in_clause,
            standing: first.standing,
            lexical: first.lexical,
            coverage: first.coverage,
            coverage_behind: first.coverage_behind,
            stated: first.stated,
            unstated: first.unstated,
            nobody: first.nobody,
            no_papers: first.no_papers,
            amount: first.amount,
            other_amount: first.other_amount,
            other_side: first.other_side,
            verdict_of_another_kind: first.verdict_of_another_kind,
            verdict_unasked: first.verdict_unasked,
            preamble: first.preamble,
            ..Overall::default()
        }
    }
}
