# Without make: python3 config/bootstrap.py run|test|check|bench|load|screenshots
PYTHON ?= python3
.PHONY: run test check bench load screenshots format messages venv

run:     ## everything in the foreground: PORT, HOST and DATA_DIR are honoured
	@exec $(PYTHON) config/bootstrap.py run

test:    ## the whole suite; more arguments in ARGS
	@exec $(PYTHON) config/bootstrap.py test $(ARGS)

check:   ## everything that CI runs; changes nothing
	@exec $(PYTHON) config/bootstrap.py check

bench:   ## ratios against limits and peers; one of them with NAME
	@exec $(PYTHON) config/bootstrap.py bench $(NAME)

load:    ## the running product under load and under kill -9; takes minutes
	@exec $(PYTHON) config/bootstrap.py load

screenshots:  ## pictures of all pages into docs/screenshots; some of them with NAME
	@exec $(PYTHON) config/bootstrap.py screenshots $(NAME)

format: venv
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

messages: venv  ## catalogues up to date; needs GNU gettext
	@.venv/bin/python -m config.messages

venv:
	@exec $(PYTHON) config/bootstrap.py venv
