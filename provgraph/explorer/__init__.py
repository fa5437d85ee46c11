"""The explorer: answers as pages in a browser, and the small server behind them."""
