"""The dashboard: server-rendered pages over the same dicts that the JSON answers hold."""

from service.pages.bundle import compressed_bundle, javascript_bundle
from service.pages.docs_page import render_docs
from service.pages.list_page import render_results_list
from service.pages.login_page import render_login
from service.pages.problem_page import render_problem
from service.pages.results_page import render_results
from service.pages.study_page import render_studies, render_study

__all__ = [
    "compressed_bundle",
    "javascript_bundle",
    "render_docs",
    "render_login",
    "render_problem",
    "render_results",
    "render_results_list",
    "render_studies",
    "render_study",
]
