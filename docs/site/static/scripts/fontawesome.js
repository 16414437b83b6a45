// In place of the theme's 1.5 MB of icons as script: its style sheet and fonts have them too.
