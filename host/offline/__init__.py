"""Many prompts from a file, written or scored: `tritstream batch`.

`prompts` reads and checks the lines, `work` has them done on a model, and `journal` keeps what is
done, so that it can be resumed.
"""
