# Help, manual pages and completions hold every verb and every option of the tables, and are well formed.
verbs=$(sed -n 's/^VERB(\([a-z0-9_]*\),.*/\1/p' "$source/src/cli/verbs.def")
for shell in bash zsh fish; do
    "$bantam" help --format $shell >c.$shell
    if command -v $shell >/dev/null; then $shell -n c.$shell; fi
done
"$bantam" help --format scdoc >bantam.scd

# The options of "data info" and the like as --help prints them: "-o --out" a line.
options() {
    "$bantam" "$@" --help | sed -n 's/^  *-\([a-z]\), --\([a-z0-9-]*\).*/-\1 --\2/p; s/^  *--\([a-z0-9-]*\).*/--\1/p' | tr ' ' '\n'
}
# has FILE TEXT: TEXT stands in FILE as a word of its own
has() {
    grep -Eq -e "(^|[^a-z0-9-])$2([^a-z0-9-]|\$)" "$1" || { echo "$1 lacks $2"; exit 1; }
}

# check VERB [SUBVERB]: each option is in the help, the manual page and the part of each completion.
check() {
    "$bantam" "$@" --help | grep -q "^usage: bantam $*\( \|\$\)"
    "$bantam" help "$@" >text
    "$bantam" "$@" --help | cmp - text
    "$bantam" help "$1" --format scdoc >page.scd
    sed -n "/^    '$*')\$/,/;;\$/p" c.zsh >part.zsh
    grep "__bantam_at $*'" c.fish >part.fish
    awk -v head="    '$*')" '$0 == head { on = 1 } on && /words=/ { print; exit }' c.bash >part.bash
    for o in $(options "$@") --help; do
        has page.scd "\\*$o\\*"
        has part.bash "$o"
        has part.zsh "$o"
        case $o in
        --*) has part.fish "-l ${o#--}" ;;
        *) has part.fish "-s ${o#-}" ;;
        esac
    done
}

for verb in $verbs; do
    for f in c.bash c.zsh c.fish; do has $f "$verb"; done
    grep -q "^\*bantam-$verb\*(1)" bantam.scd
    "$bantam" help "$verb" --format scdoc | grep -q "^bantam-$verb(1) "
    subverbs=$("$bantam" "$verb" --help | sed -n '1s/.*{\(.*\)} \.\.\.$/\1/p' | tr -d ,)
    if [ -n "$subverbs" ]; then
        for sub in $subverbs; do check "$verb" "$sub"; done
    else
        check "$verb"
    fi
done

# Every variable of the environment that the program reads is in the manual.
for name in $(cat "$source"/src/cli/*.c | sed -n 's/.*getenv("\([A-Z_]*\)").*/\1/p' | grep -v -e TERM -e HOME); do
    tr -d '\\' <bantam.scd | grep -q "$name" || { echo "bantam(1) lacks $name"; exit 1; }
done

# Manual pages are accepted by scdoc and shown by man without a complaint.
if command -v scdoc >/dev/null; then
    for verb in "" $verbs; do
        # shellcheck disable=SC2086
        "$bantam" help $verb --format scdoc | scdoc >page.1
        if command -v man >/dev/null; then
            LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -l page.1 >shown 2>complaints
            [ -s shown ] && [ ! -s complaints ] || { cat complaints; exit 1; }
        fi
    done
fi

# Completion at work, as bash asks for it.
if command -v bash >/dev/null; then
    mkdir -p runs/models
    cat >ask.bash <<'ASK'
source ./c.bash
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
compopt() { :; }
_bantam
printf '%s\n' "${COMPREPLY[@]}"
ASK
    [ "$(bash ask.bash bantam sea)" = search ]
    [ "$(bash ask.bash bantam data im)" = import ]
    [ "$(bash ask.bash bantam search x --max-p)" = --max-params ]
    [ "$(bash ask.bash bantam search x --out ru)" = runs ]
    [ "$(bash ask.bash bantam help --format zs)" = zsh ]
    [ "$(bash ask.bash bantam help --format = zs)" = zsh ]
    [ "$(bash ask.bash bantam search x --budget ru)" = "" ]
fi

if "$bantam" help nosuch 2>err; then exit 1; else [ $? -eq 2 ]; fi
if "$bantam" help --format man 2>err; then exit 1; else [ $? -eq 2 ]; fi
[ "$(wc -l <err)" -eq 1 ]
