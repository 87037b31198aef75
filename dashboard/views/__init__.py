"""The pages: a room each, with a `page.render()` that `dashboard.app` registers.

Streamlit takes a folder named `pages` for its older kind of navigation, hence this name.
"""
