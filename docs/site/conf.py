"""The chapters and the documents as a website: `make site`. The source folder is the project itself; stored outputs are shown, nothing is run."""

project = "Analytics on AWS, as notebooks"
html_title = project
extensions = ["myst_nb", "sphinx_external_toc"]
external_toc_path = "docs/site/toc.yml"
external_toc_exclude_missing = True  # what toc.yml does not name is no page
exclude_patterns = [".*", ".venv*", "build", "data", "helpers", "infra", "tests", "README.ja.md"]

nb_execution_mode = "off"
nb_ipywidgets_js = {}  # these scripts come from the network: the site works from a folder, and widgets have a static form beside them
myst_enable_extensions: list[str] = []  # no dollar sign is mathematics
myst_heading_anchors = 4
suppress_warnings = [
    "mystnb.unknown_mime_type",  # a widget: its static form is shown
    "misc.highlighting_failure",  # a cell of the Glue kernel with a shell command
]

html_theme = "sphinx_book_theme"
html_theme_options = {
    "show_toc_level": 2,
    "use_download_button": False,
    "home_page_in_toc": True,
    "navbar_persistent": [],
}
html_copy_source = False
html_show_sourcelink = False
