"""Which texts count as one."""

from __future__ import annotations

from components.families.shared.fingerprint import text_key


def test_text_keys_ignore_case_punctuation_and_spacing_only() -> None:
    assert text_key("Hello,  World!") == text_key("hello world")
    assert text_key("hello world") != text_key("helloworld")
    assert text_key("!!!") != text_key("???")
