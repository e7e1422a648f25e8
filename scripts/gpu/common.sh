# What the scripts for a borrowed GPU share; they source it in the root of the repository. Uses $python.

# homes FOLDER SPLIT IMAGES [OPTION ...]: renders homes, unless they are there.
homes() {
    [[ -f $1/annotations.json ]] ||
        "$python" -m training.cli homes --out "$1" --split "$2" --images "$3" --workers "$(nproc)" --no-depth "${@:4}"
}

# figures RUN OUT: copies an experiment's figures (a few kB), and no weights, to what comes back.
figures() {
    (cd "$1" && find . -name metrics.json -o -name table.md -o -name plot.png -o -name results.json) |
        while read -r file; do
            mkdir -p "$2/$(dirname "$file")"
            cp "$1/$file" "$2/$file"
        done
}
