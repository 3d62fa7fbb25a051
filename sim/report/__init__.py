"""One self-contained HTML page per run: `build.from_result` gathers the numbers, `page.render` shows them."""
