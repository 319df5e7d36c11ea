# impsd: a thin front of `swift build`. `make help` lists the targets.

.DEFAULT_GOAL := help
SUDO ?= $(if $(filter 0,$(shell id -u)),,sudo)

# The C libraries of the engine, as Debian names them, and what the tests drive it with.
BUILD_PACKAGES := libuv1-dev liblmdb-dev libmbedtls-dev pkg-config
TEST_PACKAGES := $(BUILD_PACKAGES) chromium chromium-driver curl ejabberd kannel kannel-extras libfaketime libwbxml2-utils openssl prosody python3 \
	python3-slixmpp tshark valgrind
SDK_PACKAGES := dpkg-dev llvm patch python3 xz-utils
CROSS_PACKAGES := $(SDK_PACKAGES) qemu-user-static
BOARD_PACKAGES := $(CROSS_PACKAGES) qemu-system-arm squashfs-tools e2fsprogs cpio
ARCHITECTURES := aarch64 armv7
# The architecture of the virtual board that `make board` shows.
ARCH ?= aarch64

# Release builds carry their Swift library, see across modules, and leave the exclusivity checks to the compiler, which
# proves them for structures; they would cost a call at every access to the engine's state.
RELEASE_FLAGS := -c release --static-swift-stdlib -Xswiftc -cross-module-optimization \
	-Xswiftc -enforce-exclusivity=unchecked -Xlinker -L.build/static -Xlinker --build-id=sha1
# One program; what it is depends on the name that it is called by.
NAMES := impsctl imps

# The suites in which clients wait for messages.
AWAITING_TESTS := ConversationTests|OnlineMessageTests|WaitingMessageTests|SystemMessageTests|OpenQuestionTests|CampaignTests|SeveralTransactionsTests

# The suites with Chromium, Kannel, Prosody and ejabberd in them.
PEER_TESTS := BrowserTests|NotifierTests|XMPPTests|ManyEnginesTests
# The suites in which nobody speaks WBXML, whatever the others do.
XML_TESTS := $(PEER_TESTS)|PageTests|ModemTests
# What is worth a look on 64 bits of another architecture, beside the boards: the whole is run on 32.
SMALL_TESTS := $(AWAITING_TESTS)|LoginTests|HandsetTests|DurabilityTests|TLSTests|OutgoingTests|ModemTests

# $(call install,packages): installs those that are missing.
define install
	@missing=$$(for package in $(1); do \
		dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || echo $$package; done); \
	if [ -n "$$missing" ]; then \
		echo "Installing" $$missing; \
		$(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends $$missing; \
	fi
endef

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "%-20s %s\n", $$1, $$2 }'

.PHONY: run
run: build ## start a demo engine on 127.0.0.1:8080 with users alice and bob
	@board/demo.sh

.PHONY: build
build: build-packages ## build .build/release/{impsd,impsctl,imps}
	@mkdir -p .build/static
	@ln -sf "$$(gcc -print-file-name=libstdc++.a)" .build/static/
	@# What was inlined from another module is not seen to have changed: a change anywhere compiles everything again.
	@if [ -n "$$(find Sources Package.swift -newer .build/built 2>&1)" ]; then rm -rf .build/release/*.build .build/release/description.json .build/release.yaml; fi
	@touch .build/building
	@swift build $(RELEASE_FLAGS) --product impsd
	@for name in $(NAMES); do ln -sf impsd .build/release/$$name; done
	@mv .build/building .build/built

# With the SDK there, the programs for the boards are tested too: under qemu-user, and on virtual boards.
.PHONY: test
test: test-packages build ## build and run all tests; after make sdk, also those of the boards
	swift build --build-tests
	@# A test mostly waits, so three passes go side by side.
	$(MAKE) --no-print-directory --jobs=3 --output-sync=target $(PASSES)
	@# Large programs of others on the other side have the machine for themselves.
	$(RUN_TESTS) --filter '$(PEER_TESTS)'
	@# And none of it costs more than it did.
	Tests/Support/counts.py
	@if [ -e .build-sdk/impsd.artifactbundle ]; then $(MAKE) --no-print-directory cross test-cross board-test; fi

# `swift test` lets nobody else run tests meanwhile.
RUN_TESTS := .build/debug/impsdPackageTests.xctest --testing-library swift-testing
PASSES := pass-first pass-rest pass-wbxml pass-tls pass-gateway pass-stcp pass-sudp pass-shttp
.PHONY: $(PASSES)
pass-first:
	$(RUN_TESTS) --filter 'AcceptanceTests\.[A-M]' --skip '$(PEER_TESTS)'
pass-rest:
	$(RUN_TESTS) --skip 'AcceptanceTests\.[A-M]|BoardTests|$(PEER_TESTS)'
pass-wbxml: # what clients do in XML they do in WBXML too
	IMPSD_SYNTAX=wbxml $(RUN_TESTS) --filter AcceptanceTests --skip \
		'DurabilityTests|DamagedStoreTests|HTTPTests|MalformedTests|TLSTests|OutgoingTests|CertificateTests|SealedClientTests|$(XML_TESTS)'
pass-tls: # and much of it by TLS, with OpenSSL on the other side
	IMPSD_TLS=1 $(RUN_TESTS) --filter '$(AWAITING_TESTS)|LoginTests|FamilyMTests'
pass-gateway: # and through a gateway, which speaks the other syntax with the service behind
	IMPSD_GATEWAY=wbxml $(RUN_TESTS) --filter '$(AWAITING_TESTS)|LoginTests|HandsetTests|FamilyMTests' \
		--skip '$(GATEWAY_SKIPPED)'
pass-stcp pass-sudp pass-shttp: # where they wait for messages they may be called in each way
	IMPSD_CALL=$(@:pass-%=%) $(RUN_TESTS) --filter '$(AWAITING_TESTS)'

# What looks at the service from outside of what clients say and hear: the addresses that they come from, its store, its log, its
# list of sessions; and what is noticed at a gateway a second later, when it has looked.
GATEWAY_SKIP := DurabilityTests|DamagedStoreTests|HTTPTests|MalformedTests|AttackTests|TLSTests|OutgoingTests|CertificateTests|SealedClientTests|\
	theServerCallsWhenSomethingWaits|contentThatIsEscapedTwiceIsKeptOnce|anAnswerNeedsTheClientThatWasAsked|\
	whoIsNotHeardOfIsCalledAgain|aClientAsksAtAURLOfItsOwn|aHandsetThatKnowsPushesIsCalledByOne|theEngineIsSmallAfterStart|\
	everyRecordIsOneShortLine|requestsOneBehindTheOtherAreFewCommits|aStoreOfAnEarlierVersionGoesOn|guessingIsSlowedDown
empty :=
GATEWAY_SKIPPED := $(subst $(empty) ,,$(GATEWAY_SKIP))
.PHONY: test-gateway
test-gateway: test-packages build ## all that clients do, through a gateway, in both syntaxes on both sides: twenty minutes
	swift build --build-tests
	for clients in xml wbxml; do for behind in xml wbxml; do \
		IMPSD_SYNTAX=$$clients IMPSD_GATEWAY=$$behind swift test --skip-build --filter AcceptanceTests \
			--skip '$(GATEWAY_SKIPPED)|$(XML_TESTS)' || exit 1; \
	done; done

.PHONY: torture-store
torture-store: test-packages build ## 500 damaged copies of a store, and what is left of each
	IMPSD_TORTURE=500 swift test --filter DamagedStoreTests

.PHONY: durability
durability: test-packages build ## 50 rounds of writers, SIGKILL and restart
	IMPSD_DURABILITY_ROUNDS=50 swift test --filter Durability

.PHONY: simulate
simulate: test-packages ## 2000 new seeds of each simulation
	IMPSD_SIMULATION_SEEDS=2000 swift test --filter Simulation

.PHONY: mutants
mutants: test-packages ## change the engine in small ways, one at a time, and see whether its tests notice
	Tests/Support/mutants.py

.PHONY: presence
presence: build ## a crowd of 2,000 that watches itself: what it costs, and that nobody is told anything but the newest
	Tests/Support/presence.py

.PHONY: scaling
scaling: scaling-packages build ## what a request costs, in instructions, against how much there is of everything
	Tests/Support/scaling.py

.PHONY: bench
bench: test-packages build ## measure what the engine does beside what the disk does
	swift build $(RELEASE_FLAGS) --product bench && .build/release/bench
	@if [ -e dist/armv7/impsd ]; then $(MAKE) --no-print-directory bench-armv7; fi

.PHONY: bench-armv7
bench-armv7: count-packages ## count the instructions of the program in dist/armv7: requests and handshakes by TLS
	swift build $(RELEASE_FLAGS) --product bench
	@mkdir -p .build && cc -O2 -shared -fPIC -o .build/count.so Tests/Support/count.c
	@IMPSD_PROGRAMS=dist/armv7 IMPSD_RUNNER="qemu-arm -plugin $(CURDIR)/.build/count.so,into=$(CURDIR)/.build/count" \
		IMPSD_COUNT=$(CURDIR)/.build/count .build/release/bench tls

# How long `make fuzz` looks for inputs that break the readers: seconds, and inputs from a seed; 0 and -1 are no bound.
FUZZ_SECONDS ?= 600
FUZZ_SEED ?= 0
FUZZ_RUNS ?= -1

.PHONY: fuzz
fuzz: build ## feed both readers with broken messages; FUZZ_SECONDS says how long
	IMPSD_FUZZ=1 swift build -c release --scratch-path .build-fuzz -Xswiftc -sanitize=fuzzer -Xswiftc -Xclang-linker -Xswiftc -fuse-ld=lld --product fuzz
	@mkdir -p .build-fuzz/corpus
	@for file in Tests/Golden/*/*.xml; do \
		name=$$(echo $$file | tr / -); cp $$file .build-fuzz/corpus/$$name; \
		.build/release/imps encode $$file > .build-fuzz/corpus/$$name.wbxml; \
	done
	@printf '%s' "<?xml version='1.0'?><stream:stream id='1'><message from='a@b/c' to='d@e' id='1'><body>&lt;<![CDATA[x]]></body><delay stamp='2026-01-01T00:00:00Z'/></message><presence type='probe'/><iq type='get'><ping/></iq></stream:stream>" > .build-fuzz/corpus/stream
	@cd .build-fuzz && SWIFT_BACKTRACE=enable=no release/fuzz -max_total_time=$(FUZZ_SECONDS) -seed=$(FUZZ_SEED) -runs=$(FUZZ_RUNS) \
		-max_len=4096 \
		-timeout=5 -rss_limit_mb=1024 -print_final_stats=1 corpus > fuzz.log 2>&1 || { tail -n 40 fuzz.log; exit 1; }
	@grep '^stat::' .build-fuzz/fuzz.log

PAGE := $(addprefix Sources/CPage/,page.html page.js page.css manifest.webmanifest icon.svg admin.html admin.js admin.css)

.PHONY: page
page: page-packages ## compress the page for browsers after a change, as the program has it
	@for file in $(PAGE); do Tests/Support/pack-page.sh $$file > .build/packed && \
		zopfli -c --gzip .build/packed > $$file.gz; done
	@sed -i "s|^// embeds .*|// embeds $$(cat $(PAGE:=.gz) | sha256sum | cut -c 1-16)|" Sources/CPage/shim.h

.PHONY: check-embedded
check-embedded: build-packages ## compile everything in Embedded mode and look for spans that outlive their storage
	@Tests/Support/embedded/check-lifetimes.sh impsd impsctl imps

.PHONY: copies
copies: build-packages ## list the copies of large values in what is flashed, beside the list that is kept
	@Tests/Support/embedded/copies.sh $(WRITE)

.PHONY: sdk
sdk: sdk-packages ## make the static Swift SDK for aarch64 and armv7 in .build-sdk, without root
	@cross/make-sdk.sh

.PHONY: sdk-update
sdk-update: sdk-packages ## pin the newest packages of the SDK in cross/packages.lock
	@cross/fetch.sh --update

.PHONY: cross
cross: cross-packages ## build static programs for aarch64 and armv7 into dist/ (SDK=aarch64-swift-linux-musl: full runtime)
	@if [ -n "$(SDK)" ]; then exec cross/build-full.sh $(SDK); fi; \
	for architecture in $(ARCHITECTURES); do cross/build.sh $$architecture || exit 1; done

.PHONY: test-cross
test-cross: test-packages cross-packages ## drive the programs in dist/ through the acceptance tests under qemu-user
	swift build --build-tests
	IMPSD_PROGRAMS=dist/aarch64 IMPSD_RUNNER=qemu-aarch64-static swift test --skip-build --filter '$(SMALL_TESTS)'
	IMPSD_PROGRAMS=dist/armv7 IMPSD_RUNNER=qemu-arm-static swift test --skip-build --filter AcceptanceTests

.PHONY: test-reproducible
test-reproducible: cross-packages ## build dist/ again in a clone elsewhere and compare the bytes
	@cross/compare.sh $(ARCHITECTURES)

.PHONY: board-images
board-images: board-packages
	@for architecture in $(ARCHITECTURES); do board/virtual/image.sh $$architecture || exit 1; done

.PHONY: board
board: board-packages ## boot a virtual board with the programs in dist/, its console on the terminal (ARCH=armv7)
	@board/virtual/image.sh $(ARCH)
	@board/virtual/run.sh $(ARCH)

.PHONY: board-test
board-test: test-packages board-images ## let virtual boards of both architectures do everything, and cut their power
	swift build --build-tests
	swift test --skip-build --filter BoardTests

.PHONY: board-test-long
board-test-long: export IMPSD_POWER_CUTS := 20
board-test-long: export IMPSD_IDLE_SECONDS := 600
board-test-long: board-test ## the same with 20 power cuts and ten idle minutes

.PHONY: package
package: cross-packages ## make the .ipk, the tarball and the feed of dist/ for device makers
	@board/package.sh $(ARCHITECTURES)

.PHONY: tables
tables: build-packages ## generate the Swift tables of Wire and CSP from their TSV files
	swift run tables

.PHONY: lint
lint: ## check the format and the rules of the tree
	swift format lint --strict --recursive --parallel Sources Tests Package.swift

.PHONY: format
format: ## format all Swift files in place
	swift format --in-place --recursive --parallel Sources Tests Package.swift

.PHONY: clean
clean: ## delete what was built, and the demo
	rm -rf .build .build-fuzz .build-embedded .build-aarch64 .build-armv7 .build-sdk .build-board dist run

.PHONY: sdk-packages
sdk-packages:
	$(call install,$(SDK_PACKAGES))

.PHONY: cross-packages
cross-packages:
	$(call install,$(CROSS_PACKAGES))

.PHONY: board-packages
board-packages:
	$(call install,$(BOARD_PACKAGES))

.PHONY: build-packages
build-packages:
	$(call install,$(BUILD_PACKAGES))

.PHONY: compare
compare: compare-packages build ## the same work for other servers of messages, in turns, in one table: ten minutes
	swift build $(RELEASE_FLAGS) --product bench
	ulimit -n 16384; Tests/Support/compare/compare.py

.PHONY: compare-packages
compare-packages:
	$(call install,$(BUILD_PACKAGES) ejabberd erlang-base gcc libc6-dev mosquitto prosody python3)

.PHONY: compare-damage
compare-damage: compare-packages ## what is left of a damaged store of Mosquitto, beside make torture-store: ten minutes
	Tests/Support/compare/damage.py

.PHONY: counts
counts: scaling-packages build ## count what a request costs, and compare it with what it did: instructions, changes, octets written
	Tests/Support/counts.py

.PHONY: scaling-packages
scaling-packages:
	$(call install,$(BUILD_PACKAGES) valgrind)

.PHONY: page-packages
page-packages:
	$(call install,zopfli)

.PHONY: count-packages
count-packages:
	$(call install,$(TEST_PACKAGES) gcc libc6-dev qemu-user)

.PHONY: test-packages
test-packages:
	$(call install,$(TEST_PACKAGES))
	@python3 -m pip --version > /dev/null 2>&1 || $(MAKE) --no-print-directory pip-package
	@Tests/Support/axe.sh

.PHONY: pip-package
pip-package:
	$(call install,python3-pip)
