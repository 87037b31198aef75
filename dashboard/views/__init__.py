"""The pages: one module each, with a `render()` that `dashboard.ui.navigation` calls.

Streamlit takes a folder named `pages` for its older kind of navigation, hence this name.
"""
