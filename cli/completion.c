/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Completion scripts for shells, from the tables of verbs and options. */
#include <string.h>

#include "ctl.h"

/* How a script asks for what can be named as an argument: the verb, then the option that names the bus, if there is one. */
#define LIST_COMMAND "dmmctl --no-legend --no-pager --colour=never \"$@\" 2>/dev/null"

/* Values to choose from, not just a name for what is expected? */
static bool has_choices(const struct option_spec *o)
{
	return o->arg && strchr(o->arg, '|');
}

static void print_choices(const char *choices)
{
	for (const char *p = choices; *p; p++)
		putchar(*p == '|' ? ' ' : *p);
}

static void print_verbs(bool completed_only)
{
	const char *separator = "";

	for (const struct verb *v = verbs; v->name; v++) {
		if (completed_only && !v->complete)
			continue;
		printf("%s%s", separator, v->name);
		separator = completed_only ? "|" : " ";
	}
}

static void write_bash(void)
{
	puts("# bash completion for dmmctl\n"
	     "_dmmctl_objects() {\n"
	     "\t" LIST_COMMAND " | awk '{ print $1 }'\n"
	     "}\n"
	     "_dmmctl() {\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb='' word "
	     "i bus=()\n"
	     "\tlocal before=${COMP_LINE:0:COMP_POINT}\n"
	     "\tCOMPREPLY=()\n"
	     "\t[[ $before =~ [[:space:]]--bus[=[:space:]]([^[:space:]]+)[[:space:]] ]] && "
	     "bus=(\"--bus=${BASH_REMATCH[1]}\")\n"
	     "\t# What follows an option's \"=\" is a word of its own.\n"
	     "\tif [[ $cur == = ]]; then\n"
	     "\t\tcur=\n"
	     "\telif [[ $prev == = ]]; then\n"
	     "\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n"
	     "\tfi\n"
	     "\tcase $prev in");
	for (const struct option_spec *o = options; o->name; o++) {
		if (!has_choices(o) || !o->help)
			continue;
		printf("\t--%s)\n\t\tmapfile -t COMPREPLY < <(compgen -W \"", o->name);
		print_choices(o->arg);
		puts("\" -- \"$cur\")\n\t\treturn\n\t\t;;");
	}
	puts("\tesac\n"
	     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	     "\t\tword=${COMP_WORDS[i]}\n"
	     "\t\tcase $word in");
	fputs("\t\t", stdout);
	for (const struct verb *v = verbs; v->name; v++)
		printf("%s%s", v == verbs ? "" : "|", v->name);
	puts(")\n\t\t\tverb=$word\n\t\t\tbreak\n\t\t\t;;\n"
	     "\t\tesac\n"
	     "\tdone\n"
	     "\tif [[ $cur == -* ]]; then");
	fputs("\t\tmapfile -t COMPREPLY < <(compgen -W \"", stdout);
	for (const struct option_spec *o = options; o->name; o++)
		if (o->help && o->key < 256)
			printf("-%c --%s ", o->key, o->name);
		else if (o->help)
			printf("--%s%s ", o->name, o->arg ? "=" : "");
	puts("\" -- \"$cur\")\n"
	     "\t\t[[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tcase $verb in\n"
	     "\t\"\")");
	fputs("\t\tmapfile -t COMPREPLY < <(compgen -W \"", stdout);
	print_verbs(false);
	puts("\" -- \"$cur\")\n\t\t;;");
	fputs("\t", stdout);
	print_verbs(true);
	puts(")\n"
	     "\t\tcur=${before##*[[:space:]]}\n"
	     "\t\tmapfile -t COMPREPLY < <(compgen -W \"$(_dmmctl_objects \"$verb\" "
	     "\"${bus[@]}\")\" -- \"$cur\")\n"
	     "\t\t# Readline completes what is behind the last colon of an address.\n"
	     "\t\tif [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
	     "\t\t\tCOMPREPLY=(\"${COMPREPLY[@]#\"${cur%\"${cur##*:}\"}\"}\")\n"
	     "\t\tfi\n"
	     "\t\t;;\n"
	     "\tesac\n"
	     "}\n"
	     "complete -F _dmmctl dmmctl");
}

static void write_zsh(void)
{
	puts("#compdef dmmctl\n"
	     "_dmmctl_objects() {\n"
	     "\tlocal -a objects\n"
	     "\tobjects=(${(f)\"$(" LIST_COMMAND " | awk '{ print $1 }')\"})\n"
	     "\tcompadd -a objects\n"
	     "}\n"
	     "_dmmctl_verbs() {\n"
	     "\tlocal -a verbs\n"
	     "\tverbs=(");
	for (const struct verb *v = verbs; v->name; v++)
		printf("\t\t'%s:%s'\n", v->name, v->help);
	puts("\t)\n"
	     "\t_describe verb verbs\n"
	     "}\n"
	     "local curcontext=\"$curcontext\" state line\n"
	     "typeset -A opt_args\n"
	     "_arguments -C \\");
	for (const struct option_spec *o = options; o->name; o++) {
		if (!o->help)
			continue;
		if (o->key < 256)
			printf("\t'-%c[%s]' \\\n", o->key, o->help);
		printf("\t'--%s%s[%s]", o->name, o->arg ? "=" : "", o->help);
		if (has_choices(o)) {
			printf(":%s:(", o->name);
			print_choices(o->arg);
			putchar(')');
		} else if (o->arg) {
			printf(":%s:", o->arg);
		}
		puts("' \\");
	}
	puts("\t'1:verb:_dmmctl_verbs' \\\n"
	     "\t'*::argument:->argument'\n"
	     "case $state in\n"
	     "argument)\n"
	     "\tcase $line[1] in");
	fputs("\t", stdout);
	print_verbs(true);
	puts(") _dmmctl_objects $line[1] ${opt_args[--bus]:+--bus=${(Q)opt_args[--bus]}} ;;\n"
	     "\tesac\n"
	     "\t;;\n"
	     "esac");
}

int completion_write(const char *shell)
{
	if (strcmp(shell, "bash") == 0) {
		write_bash();
	} else if (strcmp(shell, "zsh") == 0) {
		write_zsh();
	} else {
		complain("completions are for bash and zsh");
		return CTL_USAGE;
	}
	return CTL_OK;
}
