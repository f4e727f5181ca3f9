"""Small files of brokers, banks and securities servicers, one of every further format."""

from __future__ import annotations

SESE_025 = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:sese.025.001.13"><SctiesSttlmTxConf>
 <TxIdDtls><AcctOwnrTxId>BD-1</AcctOwnrTxId><AcctSvcrTxId>S-9</AcctSvcrTxId><SctiesMvmntTp>RECE</SctiesMvmntTp><Pmt>APMT</Pmt></TxIdDtls>
 <TradDtls><TradDt><Dt><Dt>2026-05-28</Dt></Dt></TradDt><SttlmDt><Dt><Dt>2026-06-01</Dt></Dt></SttlmDt>
  <FctvSttlmDt><Dt><Dt>2026-06-02</Dt></Dt></FctvSttlmDt></TradDtls>
 <FinInstrmId><ISIN>US0378331005</ISIN></FinInstrmId>
 <QtyAndAcctDtls><SttldQty><Qty><Unit>100</Unit></Qty></SttldQty><RmngToBeSttldQty><Unit>50</Unit></RmngToBeSttldQty>
  <SfkpgAcct><Id>BOR-1</Id></SfkpgAcct></QtyAndAcctDtls>
 <SttldAmt><Amt Ccy="USD">19050.5</Amt><CdtDbtInd>DBIT</CdtDbtInd></SttldAmt>
</SctiesSttlmTxConf></Document>
"""

SESE_024 = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:sese.024.001.14"><SctiesSttlmTxStsAdvc>
 <TxId><AcctOwnrTxId>BD-2</AcctOwnrTxId></TxId>
 <MtchgSts><Mtchd/></MtchgSts>
 <SttlmSts><Flng><Rsn><Cd><Cd>LACK</Cd></Cd><AddtlRsnInf>short of securities</AddtlRsnInf></Rsn></Flng></SttlmSts>
 <TxDtls><SfkpgAcct><Id>BOR-1</Id></SfkpgAcct><FinInstrmId><ISIN>US0378331005</ISIN></FinInstrmId>
  <SttlmQty><Qty><Unit>100</Unit></Qty></SttlmQty><SttlmAmt><Amt Ccy="USD">9000</Amt><CdtDbtInd>CRDT</CdtDbtInd></SttlmAmt>
  <SttlmDt><Dt><Dt>2026-06-01</Dt></Dt></SttlmDt><SctiesMvmntTp>DELI</SctiesMvmntTp></TxDtls>
</SctiesSttlmTxStsAdvc></Document>
"""

SESE_023 = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:sese.023.001.13"><SctiesSttlmTxInstr>
 <TxId>BD-3</TxId><SttlmTpAndAddtlParams><SctiesMvmntTp>DELI</SctiesMvmntTp><Pmt>APMT</Pmt></SttlmTpAndAddtlParams>
 <TradDtls><TradDt><Dt><Dt>2026-06-01</Dt></Dt></TradDt><SttlmDt><Dt><Dt>2026-06-03</Dt></Dt></SttlmDt></TradDtls>
 <FinInstrmId><ISIN>US0378331005</ISIN></FinInstrmId>
 <QtyAndAcctDtls><SttlmQty><Qty><FaceAmt>250000</FaceAmt></Qty></SttlmQty><SfkpgAcct><Id>BOR-1</Id></SfkpgAcct></QtyAndAcctDtls>
 <SttlmAmt><Amt Ccy="EUR">251000</Amt><CdtDbtInd>CRDT</CdtDbtInd></SttlmAmt>
</SctiesSttlmTxInstr></Document>
"""

SEMT_017 = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:semt.017.001.14"><SctiesTxPstngRpt>
 <Pgntn><PgNb>1</PgNb><LastPgInd>true</LastPgInd></Pgntn>
 <StmtGnlDtls><StmtId>77</StmtId><StmtPrd><FrDtToDt><FrDt>2026-06-01</FrDt><ToDt>2026-06-02</ToDt></FrDtToDt></StmtPrd>
  <StmtBsis><Cd>SETT</Cd></StmtBsis><ActvtyInd>true</ActvtyInd></StmtGnlDtls>
 <SfkpgAcct><Id>BOR-1</Id></SfkpgAcct>
 <FinInstrmDtls><FinInstrmId><ISIN>US0378331005</ISIN></FinInstrmId>
  <OpngBal><ShrtLngInd>LONG</ShrtLngInd><OpngBal><Qty><Unit>100</Unit></Qty></OpngBal></OpngBal>
  <ClsgBal><ShrtLngInd>LONG</ShrtLngInd><ClsgBal><Qty><Unit>70</Unit></Qty></ClsgBal></ClsgBal>
  <Tx><AcctOwnrTxId>T1</AcctOwnrTxId><TxDtls><SctiesMvmntTp>DELI</SctiesMvmntTp><PstngQty><Qty><Unit>50</Unit></Qty></PstngQty>
   <PstngAmt><Amt Ccy="USD">500</Amt><CdtDbt>CRDT</CdtDbt></PstngAmt>
   <FctvSttlmDt><Dt>2026-06-01</Dt></FctvSttlmDt></TxDtls></Tx>
  <Tx><AcctSvcrTxId>S2</AcctSvcrTxId><CorpActnEvtId>CA1</CorpActnEvtId><TxDtls><SctiesMvmntTp>RECE</SctiesMvmntTp>
   <PstngQty><Qty><Unit>20</Unit></Qty></PstngQty></TxDtls></Tx>
 </FinInstrmDtls></SctiesTxPstngRpt></Document>
"""

SEEV_031 = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:seev.031.001.16"><CorpActnNtfctn>
 <NtfctnGnlInf><NtfctnTp>NEWM</NtfctnTp></NtfctnGnlInf>
 <CorpActnGnlInf><CorpActnEvtId>CA-77</CorpActnEvtId><EvtTp><Cd>DVOP</Cd></EvtTp><MndtryVlntryEvtTp><Cd>CHOS</Cd></MndtryVlntryEvtTp>
  <UndrlygScty><FinInstrmId><ISIN>US0378331005</ISIN></FinInstrmId></UndrlygScty></CorpActnGnlInf>
 <AcctDtls><AcctsListAndBalDtls><SfkpgAcct>BOR-1</SfkpgAcct><Bal><TtlElgblBal><Bal><QtyChc><SgndQty><ShrtLngPos>SHOR</ShrtLngPos>
  <Qty><Unit>800</Unit></Qty></SgndQty></QtyChc></Bal></TtlElgblBal></Bal></AcctsListAndBalDtls></AcctDtls>
 <CorpActnDtls><DtDtls><RcrdDt><Dt>2026-06-11</Dt></RcrdDt><ExDvddDt><Dt>2026-06-10</Dt></ExDvddDt></DtDtls></CorpActnDtls>
 <CorpActnOptnDtls><OptnNb>001</OptnNb><OptnTp><Cd>CASH</Cd></OptnTp>
  <DfltPrcgOrStgInstr><DfltOptnInd>true</DfltOptnInd></DfltPrcgOrStgInstr>
  <DtDtls><RspnDdln><Dt><DtTm>2026-06-20T15:00:00</DtTm></Dt></RspnDdln></DtDtls>
  <CshMvmntDtls><CdtDbtInd>CRDT</CdtDbtInd><DtDtls><PmtDt><Dt><Dt>2026-06-25</Dt></Dt></PmtDt></DtDtls>
   <RateAndAmtDtls><GrssDstrbtnRate><Amt Ccy="USD">0.24</Amt></GrssDstrbtnRate>
    <WhldgTaxRate><Rate>15</Rate></WhldgTaxRate></RateAndAmtDtls></CshMvmntDtls></CorpActnOptnDtls>
 <CorpActnOptnDtls><OptnNb>002</OptnNb><OptnTp><Cd>SECU</Cd></OptnTp>
  <DfltPrcgOrStgInstr><DfltOptnInd>false</DfltOptnInd></DfltPrcgOrStgInstr>
  <SctiesMvmntDtls><SctyDtls><FinInstrmId><ISIN>NL0010273215</ISIN></FinInstrmId></SctyDtls><CdtDbtInd>CRDT</CdtDbtInd>
   <DtDtls><PmtDt><Dt><DtCd>UKWN</DtCd></Dt></PmtDt></DtDtls>
   <RateDtls><NewToOd><QtyToQty><Qty1>1</Qty1><Qty2>40</Qty2></QtyToQty></NewToOd></RateDtls></SctiesMvmntDtls></CorpActnOptnDtls>
</CorpActnNtfctn></Document>
"""

SEEV_036 = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:seev.036.001.17"><CorpActnMvmntConf>
 <CorpActnGnlInf><CorpActnEvtId>CA-77</CorpActnEvtId><EvtTp><Cd>DVCA</Cd></EvtTp>
  <FinInstrmId><ISIN>US0378331005</ISIN></FinInstrmId></CorpActnGnlInf>
 <AcctDtls><SfkpgAcct>BOR-1</SfkpgAcct></AcctDtls>
 <CorpActnConfDtls><OptnNb><Nb>001</Nb></OptnNb><OptnTp><Cd>CASH</Cd></OptnTp>
  <CshMvmntDtls><CdtDbtInd>CRDT</CdtDbtInd><AmtDtls><PstngAmt Ccy="USD">163.2</PstngAmt></AmtDtls>
   <DtDtls><PstngDt><Dt>2026-06-25</Dt></PstngDt></DtDtls></CshMvmntDtls></CorpActnConfDtls>
</CorpActnMvmntConf></Document>
"""

FLEX = """<FlexQueryResponse queryName="Daily" type="AF"><FlexStatements count="1">
 <FlexStatement accountId="U1" fromDate="20260601" toDate="20260601" period="LastBusinessDay" whenGenerated="20260602;010203">
  <CashReport>
   <CashReportCurrency accountId="U1" currency="BASE_SUMMARY" startingCash="100" endingCash="1"/>
   <CashReportCurrency accountId="U1" currency="USD" startingCash="1,000" commissions="-1.5" dividends="24"
    netTradesPurchases="-500" endingCash="522.5" slbNetCash="0" aColumnOfTomorrow="7"/>
  </CashReport>
  <Trades>
   <Trade accountId="U1" currency="USD" assetCategory="STK" symbol="AAPL" conid="265598" isin="US0378331005" tradeID="1"
    tradeDate="20260601" settleDateTarget="20260602" buySell="BUY" quantity="10" tradePrice="50" ibCommission="-1.50000049"
    netCash="-501.5" levelOfDetail="EXECUTION" anAttributeOfTomorrow="x"/>
   <Trade accountId="U1" currency="USD" symbol="AAPL" quantity="10" levelOfDetail="ORDER" buySell="BUY"/>
   <Trade accountId="U1" currency="USD" assetCategory="CASH" symbol="EUR.USD" tradeID="2" tradeDate="2026-06-01"
    settleDateTarget="2026-06-03" buySell="BUY" quantity="1000" tradePrice="1.1" proceeds="-1100" netCash="-1102"
    exchange="IDEALFX"/>
   <Trade accountId="U1" currency="USD" symbol="BAD" quantity="ten" buySell="SELL"/>
  </Trades>
  <CashTransactions>
   <CashTransaction accountId="U1" currency="USD" type="Dividends" amount="24" reportDate="20260601" dateTime="20260601;202000"
    transactionID="9" description="AAPL CASH DIVIDEND" levelOfDetail="DETAIL"/>
   <CashTransaction accountId="U1" currency="USD" type="Dividends" amount="24" levelOfDetail="SUMMARY"/>
  </CashTransactions>
  <OpenPositions>
   <OpenPosition accountId="U1" currency="USD" assetCategory="STK" symbol="AAPL" conid="265598" isin="US0378331005"
    reportDate="20260601" position="10" markPrice="51" positionValue="510" side="Long" levelOfDetail="SUMMARY"/>
   <OpenPosition accountId="U1" currency="USD" symbol="AAPL" conid="265598" position="10" levelOfDetail="LOT"/>
  </OpenPositions>
 </FlexStatement></FlexStatements></FlexQueryResponse>
"""

BAI2 = """01,BANKUS,FIRM,260602,0700,1,80,,2/
02,FIRM,BANKUS,1,260601,2400,USD,2/
03,ACC-1,,010,100000,,,015,97550,,/
88,100,50,1,,400,2500,1,/
16,175,50,V,260603,,B-1,OUR-1,CHECK
88, DEPOSIT, TWO LINES
16,475,2500,,B-2,OUR-2,WIRE OUT/
49,202650,6/
98,202650,1,8/
99,202650,1,10/
"""

OFX = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
CHARSET:1252

<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20260601<LANGUAGE>ENG</SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS><CURDEF>USD
<BANKACCTFROM><BANKID>1<ACCTID>ACC-1<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260501<DTEND>20260601
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260531120000<TRNAMT>-1,234.50<FITID>A1<NAME>AT&amp;T<MEMO>Phone</STMTTRN>
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260601<TRNAMT>10,25<FITID>A2<NAME>Interest</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>50.00<DTASOF>20260601</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1>
<INVSTMTMSGSRSV1><INVSTMTTRNRS><TRNUID>2<STATUS><CODE>0<SEVERITY>INFO</STATUS><INVSTMTRS><DTASOF>20260601<CURDEF>USD
<INVACCTFROM><BROKERID>b<ACCTID>INV-1</INVACCTFROM><INVTRANLIST><DTSTART>20260501<DTEND>20260601
<BUYSTOCK><INVBUY><INVTRAN><FITID>B1<DTTRADE>20260528<DTSETTLE>20260529</INVTRAN><SECID><UNIQUEID>037833100<UNIQUEIDTYPE>CUSIP</SECID>
<UNITS>10<UNITPRICE>50.5<COMMISSION>1.25<TOTAL>-506.25<SUBACCTSEC>CASH<SUBACCTFUND>CASH</INVBUY><BUYTYPE>BUY</BUYSTOCK>
</INVTRANLIST><INVPOSLIST><POSSTOCK><INVPOS><SECID><UNIQUEID>037833100<UNIQUEIDTYPE>CUSIP</SECID><HELDINACCT>CASH<POSTYPE>LONG
<UNITS>10<UNITPRICE>51<MKTVAL>510<DTPRICEASOF>20260601</INVPOS></POSSTOCK></INVPOSLIST></INVSTMTRS></INVSTMTTRNRS></INVSTMTMSGSRSV1>
<SECLISTMSGSRSV1><SECLIST><STOCKINFO><SECINFO><SECID><UNIQUEID>037833100<UNIQUEIDTYPE>CUSIP</SECID><SECNAME>APPLE<TICKER>AAPL</SECINFO>
</STOCKINFO></SECLIST></SECLISTMSGSRSV1></OFX>
"""

MORE = {
    "sese.023": SESE_023, "sese.024": SESE_024, "sese.025": SESE_025, "semt.017": SEMT_017, "seev.031": SEEV_031,
    "seev.036": SEEV_036, "ibflex": FLEX, "bai2": BAI2, "ofx": OFX,
}  # fmt: skip
