"""What other tools are told to do, as pipelines: damo's specs and command lines, schemes files, memtierd's configurations.

A reader a form; each gives a `Draft`, whose contexts are those of a plan. One writer makes a pipeline of a draft, one
damo's JSON.
"""
