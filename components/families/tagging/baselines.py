"""Tags without a model: the commonest one, and those of a linear model of each word and its neighbours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from components.families.base import Row
from components.families.shared.words import word_features


def commonest_tag(train: Sequence[Row]) -> str:
    tags = Counter(str(tag) for row in train for tag in row["tags"])
    return tags.most_common(1)[0][0]


def tags_by_words(train: Sequence[Row], test: Sequence[Row]) -> list[list[str]]:
    """Each word tagged by itself from TF-IDF features of the word, its neighbours, prefixes, suffixes and
    shape, with a linear support vector machine trained by gradient descent; there are two tags or more."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline

    vectorizer = TfidfVectorizer(analyzer=list, min_df=2)
    model = make_pipeline(
        vectorizer, SGDClassifier(alpha=1e-6, max_iter=8, tol=None, random_state=0, n_jobs=2)
    )
    model.fit(
        [features for row in train for features in word_features(row["tokens"])],
        [tag for row in train for tag in row["tags"]],
    )
    flat = iter(model.predict([f for row in test for f in word_features(row["tokens"])]))
    return [[str(next(flat)) for _ in row["tokens"]] for row in test]
