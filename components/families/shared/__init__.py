"""What several families use: heads, fields, spans, words, expectations."""
