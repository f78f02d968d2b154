"""Make a lesson: from links of pages to a link and a file."""

import streamlit as st

from normviz.ui.builder import builder
from normviz.ui.words import _

st.title(_("How do I make a lesson of my own?"))
st.markdown(
    _(
        "A step is a page as you have set it: paste one link on each line, or add pages by the button under "
        "each of them. Write what is to be done there, and share the lesson as a link or as a file."
    )
)
builder()
with st.expander(_("What to do with the file"), icon=":material/folder_open:"):
    st.markdown(
        _(
            "The operator of a server puts it into the folder of lessons (`NORMVIZ_LESSONS`); it is then on "
            "the page Lessons, and in links by the name of its file: `?lesson=my-lesson&step=1`. A file can "
            "do more than this page: networks with a hidden fault are written as those of the lesson *Broken "
            "networks*. `python -m normviz warm my-lesson` records its runs beforehand."
        )
    )
